"""A network laid out for injection: pieces in order, each a product with stored integers, or whatever stands between.

    value = finish(product(read(inputs), W))          pieces with stored integers W
    value = finish(gather(inputs))                    pieces without
What a product reads is whole numbers, or is put on a grid of 2^-k and read as whole numbers; so a product is a sum of
integers that floating point holds exactly, and is the same in any order, in any batch, on any number of threads, and
as a product that was known before plus what has changed. All that `finish` does is done element by element. That is
what lets `propagate` take its short cuts and still return what running everything again would.
Values are [T, N, *features], ordinary networks with T = 1. Vectors [T, N, F] lie in memory as [T, F, N].
Knows nothing about faults but how to hand them on.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.ann.ops import Product
from spikewright.errors import NotExact
from spikewright.reliability.faults import StageFault

FLOAT32_EXACT, FLOAT64_EXACT = 2.0**24, 2.0**53
FINE_BITS = 20  # of the largest value that a fault-free network reads, where it must be as good as real
LEAST_BITS, MOST_BITS = 8, 16  # where it may be as coarse as lets float32 hold the sums
_WORTH_SPLITTING = 6  # bits of each half
HEADROOM_BITS = 10  # how far above the largest fault-free value a faulty one may go before it saturates


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """The stored integers of a product, and how they are multiplied.

    A product is taken in float32 where that holds every sum, by the weights and the inputs at hand, else in two halves,
    else in float64: it is the same integers in each way.

    Attributes:
        op: the operation.
        memory: which stored weight they are; several products may share one.
        bits: of each.
        integers: as the operation lays them out, float32.
        reach: the largest sum of magnitudes that one output meets.
        exponent: k of the grid 2^-k that inputs are put on; None where they are whole numbers.
        limit: the largest whole number read; beyond it inputs saturate.
        reading: in what they are read, float32 or float64.
    """

    op: Product
    memory: str
    bits: int
    integers: Tensor
    reach: float
    exponent: int | None
    limit: float
    reading: torch.dtype

    @property
    def channels(self) -> int:
        """How many channels the product makes."""
        return self.op.out_channels(self.integers)

    @property
    def by_channel(self) -> bool:
        """Whether output channels are rows of the weight, and input channels its columns."""
        return self.op.one_group and self.op.outputs_come_first

    def on_grid(self, value: Tensor) -> Tensor:
        """What the product reads of a value: whole numbers."""
        value = value.to(self.reading)
        if self.exponent is None:
            return value
        return (value * 2.0**self.exponent).round_().clamp_(-self.limit, self.limit)

    def largest(self, read: Tensor) -> float:
        """The largest magnitude among what is read; a bound that needs no look at it, where there is one in float32."""
        if self.exponent is None and self.limit * self.reach <= FLOAT32_EXACT:
            return self.limit
        if not read.numel():
            return 0.0
        low, high = read.aminmax()
        return max(-float(low), float(high))

    def fits(self, largest: float, reach: float | None = None) -> bool:
        """Whether float32 holds every sum of inputs up to `largest`, with weights of the given reach or its own."""
        return largest * (self.reach if reach is None else reach) <= FLOAT32_EXACT

    def product(self, read: Tensor, integers: Tensor | None = None, *, largest: float | None = None) -> Tensor:
        """[T, N, *] whole numbers → [T, N, *] whole numbers; with other integers than its own where they are given.

        `largest` is a bound on what is read, where it is known already.
        """
        weight = self.integers if integers is None else integers
        reach = self.reach if integers is None else self.op.reach(integers)
        largest = self.largest(read) if largest is None else largest
        if self.fits(largest, reach):
            return self._product(read.float(), weight)
        room = math.floor(math.log2(FLOAT32_EXACT / reach))
        if room >= _WORTH_SPLITTING and largest < 4.0**room:
            # two products in float32 are quicker than one in float64
            high = (read * 2.0**-room).floor()
            low = read - high * 2.0**room
            return self._product(high.float(), weight).double() * 2.0**room + self._product(low.float(), weight)
        return self._product(read.double(), weight.double())

    def _product(self, read: Tensor, weight: Tensor) -> Tensor:
        if self.op.space == 0 and read.dim() == 3:
            given = lanes(read)
            made = given.new_empty(len(given), len(weight), given.shape[2])
            for t, part in enumerate(given):
                torch.mm(weight, part, out=made[t])
            return made.transpose(1, 2)
        return self.op([read.flatten(0, 1)], weight).unflatten(0, read.shape[:2])


class Piece(Protocol):
    """One node, ready to be run again with faults."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def inputs(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def weights(self) -> Weights | None: ...  # noqa: D102

    def gather(self, inputs: Sequence[Tensor]) -> Tensor:
        """What its product reads, on its grid; without weights, what its operation makes of its inputs."""
        ...

    def finish(
        self,
        made: Tensor,
        *,
        channels: Tensor | None = None,
        fault: StageFault | None = None,
        images: NDArray[np.int64] | None = None,
    ) -> Tensor:
        """The value that the next pieces read, from a product or a gathered input.

        `channels` says which of the output channels are given, where it is not all of them. `images` are the batch's
        numbers, which a fault may ask for.
        """
        ...


class Target(Protocol):
    """A network ready for injection."""

    @property
    def pieces(self) -> Sequence[Piece]: ...  # noqa: D102
    @property
    def arithmetic(self) -> str: ...  # noqa: D102

    def start(self, inputs: Tensor) -> Tensor:
        """Prepared inputs [N, *input_shape] → the value [T, N, *] of the input."""
        ...


def lanes(vectors: Tensor) -> Tensor:
    """[T, N, F] as contiguous [T, F, N]; copied only if it does not lie so."""
    return vectors.transpose(1, 2).contiguous()


def laid_out(value: Tensor) -> Tensor:
    """A value as values lie: vectors by feature, all others as they are."""
    return lanes(value).transpose(1, 2) if value.dim() == 3 else value.contiguous()


def pick(value: Tensor, rows: Tensor | None) -> Tensor:
    """Some of the batch [T, N, *] → [T, R, *], laid out as values are; None: all of it, not copied."""
    if rows is None:
        return value
    if value.dim() == 3:
        return lanes(value).index_select(2, rows).transpose(1, 2)
    return value.index_select(1, rows)


def pick_channels(value: Tensor, channels: Tensor | None) -> Tensor:
    """Some channels of [T, N, C, *]; None: all of them, not copied."""
    if channels is None:
        return value
    if value.dim() == 3:
        return lanes(value).index_select(1, channels).transpose(1, 2)
    return value.index_select(2, channels)


def weights_for(
    op: Product,
    *,
    memory: str,
    bits: int,
    integers: Tensor,
    most: float | None,
    golden: float,
    fine: bool,
) -> Weights:
    """Stored integers with a grid that makes every sum of them exact, whatever their bits are.

    Args:
        op: the operation.
        memory: which stored weight they are.
        bits: of each.
        integers: as the operation lays them out.
        most: the largest whole number that is ever read; None where what is read are no whole numbers. Where faulty
            sums of them could pass 2^53 they are put on a grid as well.
        golden: the largest value that a fault-free network reads, which sets the grid of such.
        fine: whether the grid is as fine as float64 allows, or as float32 does.

    Raises:
        NotExact: not even float64 holds the sums.
    """
    sums, real = op.fan_in(integers), integers.float()
    # twice: what is added to a known product reads the difference of two values
    widest, reach = 2.0 * sums * (1.0 if bits == 1 else 2.0 ** (bits - 1)), op.reach(real)
    common = {"op": op, "memory": memory, "bits": bits, "integers": real, "reach": reach}
    if most is not None and most * widest <= FLOAT64_EXACT:
        reading = torch.float32 if most <= FLOAT32_EXACT else torch.float64
        return Weights(**common, exponent=None, limit=most, reading=reading)
    room = math.floor(math.log2(FLOAT64_EXACT / widest))
    digits = min(FINE_BITS if fine else _coarse_bits(reach), room - HEADROOM_BITS)
    if digits < LEAST_BITS:
        raise NotExact(
            f"layer {memory!r} sums {sums} products of {bits}-bit weights, too many to be exact: fewer --bits"
        )
    top = math.frexp(golden)[1] if golden > 0 else 0  # golden < 2^top
    return Weights(**common, exponent=digits - top, limit=2.0**room, reading=torch.float64 if fine else torch.float32)


def _coarse_bits(reach: float) -> int:
    """Of the largest value read, so that float32 holds the sums, with one bit to spare for faulty weights."""
    return min(max(math.floor(math.log2(FLOAT32_EXACT / max(reach, 1.0))) - 1, LEAST_BITS), MOST_BITS)
