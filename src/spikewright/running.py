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

from spikewright.blueprint import Blueprint
from spikewright.encoders.grid import Grid
from spikewright.engines.int8 import BYTES, Int8Network
from spikewright.engines.record import Record
from spikewright.errors import BadSetting, NotExact, SpikewrightError
from spikewright.lowering import IntegerMode
from spikewright.network import SpikingNetwork, build
from spikewright.packed_network import PackedNetwork
from spikewright.plan import Plan
from spikewright.quantisers.uniform import Uniform

_FRACTION_BITS = (12, 8)
_INPUT = Grid(fraction_bits=15, limit=2**20 - 1)


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


def lowered(blueprint: Blueprint) -> SpikingNetwork:
    """A network in integers, as finely as 53 bits allow: stored weights as they are, others in 8 bits.

    The input is taken to 2^-15, within ±32; thresholds, biases and ratios to 12 fraction bits, or to 8 where sums
    of sums would grow too wide. At these, few codes change but by what the weights' own rounding changes.

    Raises:
        NotExact: as `lowering.IntegerMode.lower`.
    """
    for index, bits in enumerate(_FRACTION_BITS):
        mode = IntegerMode(weights=Uniform(bits=8), fraction_bits=bits, encoder=_INPUT)
        try:
            return mode.lower(blueprint)
        except NotExact:
            if index == len(_FRACTION_BITS) - 1:
                raise
    raise AssertionError("there is a last number of bits")


def _int8(blueprint: Blueprint) -> Running:
    runner = Int8Network(lowered(blueprint).program)
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
