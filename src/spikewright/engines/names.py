"""The engines by name: what runs a blueprint, in which arithmetic, and why it may not.

    float64, float    the collapsed engine in floating point
    int8              the lowered network on bytes: weights as the blueprint stores them, else 8 bits
    packed            directly trained networks of 1-bit weights, from packed words
An engine is a function of a blueprint and refuses what it cannot run with one of the package's errors, so that the
reason reaches the user as it is. Adding one is an entry in `ENGINES`.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from spikewright.engines.int8.network import Int8Network
from spikewright.engines.int8.operations import BYTES
from spikewright.engines.lower.integer import lowered
from spikewright.engines.network import build
from spikewright.engines.packed.network import PackedNetwork
from spikewright.engines.record import Record
from spikewright.errors import BadSetting, SpikewrightError
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.plan import Plan


class Runner(Protocol):
    """A network that an engine made ready."""

    @property
    def plan(self) -> Plan: ...  # noqa: D102
    def __call__(self, x: Tensor) -> Tensor: ...  # noqa: D102
    def collapse(self, x: Tensor) -> Iterator[Record]: ...  # noqa: D102


class Running(NamedTuple):
    """A runner, and what it computes in, in words."""

    runner: Runner
    arithmetic: str


def running(name: str, blueprint: Blueprint) -> Running:
    """A blueprint made ready by the engine of that name.

    Raises:
        BadSetting: no engine of that name.
        SpikewrightError: the engine cannot run this network; the message says what stands in the way.
    """
    if name not in ENGINES:
        raise BadSetting(f"no engine {name!r}: choose one of {', '.join(ENGINES)}")
    return ENGINES[name](blueprint)


def obstacle(name: str, blueprint: Blueprint) -> str | None:
    """Why an engine cannot run a network, in words, or None where it can."""
    try:
        running(name, blueprint)
    except SpikewrightError as reason:
        return str(reason)
    return None


def _float(dtype: torch.dtype) -> Callable[[Blueprint], Running]:
    return lambda blueprint: Running(build(blueprint, dtype=dtype), str(dtype).removeprefix("torch."))


def _int8(blueprint: Blueprint) -> Running:
    runner = Int8Network(lowered(blueprint))
    kinds = list(runner.arithmetic.values())
    counts = ", ".join(f"{kinds.count(kind)} in {kind}" for kind in dict.fromkeys(sorted(kinds, key=_bytes_first)))
    return Running(runner, f"integers; products: {counts or 'none'}")


def _bytes_first(kind: str) -> tuple[bool, str]:
    return kind != BYTES, kind


def _packed(blueprint: Blueprint) -> Running:
    return Running(PackedNetwork(blueprint), "1-bit weights in words, gains and neurons in float32")


ENGINES: dict[str, Callable[[Blueprint], Running]] = {
    "float64": _float(torch.float64),
    "float": _float(torch.float32),
    "int8": _int8,
    "packed": _packed,
}
