"""Engines as a user names them, one file each: what makes a blueprint run, in which arithmetic, and why it may not."""

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple, Protocol

import torch

from spikewright.engines.record import Record
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.plan import Plan


class Runner(Protocol):
    """A network that an engine made ready."""

    @property
    def plan(self) -> Plan: ...  # noqa: D102
    def __call__(self, x: Any) -> Any: ...  # noqa: D102
    def collapse(self, x: Any) -> Iterator[Record]: ...  # noqa: D102


class Running(NamedTuple):
    """A runner, and what it computes in, in words."""

    runner: Runner
    arithmetic: str


class Engine(Protocol):
    """One way to run a blueprint; it refuses what it cannot run with one of the package's errors."""

    devices: ClassVar[tuple[str, ...]]
    """Types of devices that it runs on, as torch names them."""
    dtype: ClassVar[torch.dtype]
    """What it takes inputs in."""
    weight_bits: ClassVar[int]
    """Of a weight as it keeps it, where the blueprint does not store integers."""

    @property
    def kind(self) -> str:
        """Its name."""
        ...

    def __call__(self, blueprint: Blueprint) -> Running:
        """Make a blueprint ready.

        Raises:
            SpikewrightError: it cannot run this network; the message says what stands in the way.
        """
        ...
