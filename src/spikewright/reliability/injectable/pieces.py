"""A network laid out for injection: pieces in order, each a product with stored integers, or whatever stands between.

    value = finish(product(read(gather(inputs)), W))          pieces with stored integers W
    value = finish(gather(inputs))                            pieces without
What a product reads is whole numbers, or is put on a grid of each image's own (`own_grid.py`); so a product is a sum of
integers, times a power of two, that floating point holds exactly, and is the same in any order, in any batch, on any
number of threads, and as a product that was known before plus what has changed. All that `finish` does is done element
by element. That is what lets `propagate` take its short cuts and still return what running everything again would.
Values are [T, N, *features], ordinary networks with T = 1, and lie as `layout.py` says.
Knows nothing about faults but how to hand them on.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.ann.ops import Averaging, Operation, Product
from spikewright.errors import NotExact
from spikewright.reliability.faults import StageFault
from spikewright.reliability.injectable.layout import lanes
from spikewright.reliability.injectable.own_grid import MOST_DIGITS, Read, on_own_grid, parts

Evaluate = Callable[[Sequence[Tensor]], Tensor]

FLOAT32_EXACT, FLOAT64_EXACT = 2.0**24, 2.0**53
ENOUGH_DIGITS = 32  # of what a convolution reads, where more would cost more
VECTOR_DIGITS = 36  # of what a matrix product reads; with more, images could change less before they are run anew
LEAST_DIGITS = 12
_WORTH_SPLITTING = 6  # bits of each half


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """The stored integers of a product, and how they are multiplied.

    A product of whole numbers is taken in float32 where that holds every sum, by the weights and the inputs at hand,
    else in two halves, else in float64: it is the same integers in each way. One of real values is taken in float64, or
    as a convolution in float32 of a few bits at a time: it is the same float64 numbers either way.

    Attributes:
        op: the operation.
        memory: which stored weight they are; several products may share one.
        bits: of each.
        integers: as the operation lays them out, float32.
        reach: the largest sum of magnitudes that one output meets.
        digits: of the grid that each image's values are put on; None where they are whole numbers.
        limit: the largest whole number read.
        reading: in what whole numbers are read, float32 or float64.
    """

    op: Product
    memory: str
    bits: int
    integers: Tensor
    reach: float
    digits: int | None
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

    def read(self, value: Tensor) -> Read:
        """What the product reads of a value that is laid out: whole numbers, or numbers on each image's grid."""
        if self.digits is None:
            return Read(value.to(self.reading))
        return on_own_grid(value, self.digits, each=self.op.space == 0)

    def largest(self, read: Read) -> float:
        """The largest whole number that is read; a bound that needs no look at it, where there is one in float32."""
        if self.digits is not None:
            return math.inf
        if self.limit * self.reach <= FLOAT32_EXACT:
            return self.limit
        if not read.values.numel():
            return 0.0
        low, high = read.values.aminmax()
        return max(-float(low), float(high))

    def fits(self, largest: float, reach: float | None = None) -> bool:
        """Whether float32 holds every sum of inputs up to `largest`, with weights of the given reach or its own."""
        return largest * (self.reach if reach is None else reach) <= FLOAT32_EXACT

    def product(self, read: Read, integers: Tensor | None = None, *, largest: float | None = None) -> Tensor:
        """The product [T, N, *] of what is read, with other integers than its own where they are given.

        `largest` is a bound on whole numbers that are read, where it is known already.
        """
        weight = self.integers if integers is None else integers
        reach = self.reach if integers is None else self.op.reach(integers)
        if self.digits is not None:
            made = self._of_reals(read, self.digits, weight, reach)
            if read.wide is not None:
                rows = read.wide.nonzero().flatten()
                pieces = parts(read.of(rows).values, self.digits)
                made[:, rows] = sum(self._of_reals(part, self.digits, weight, reach) for part in pieces)
            return made
        largest = self.largest(read) if largest is None else largest
        whole = read.values
        if self.fits(largest, reach):
            return self._product(whole.float(), weight)
        room = math.floor(math.log2(FLOAT32_EXACT / reach))
        if room >= _WORTH_SPLITTING and largest < 4.0**room:
            # two products in float32 are quicker than one in float64
            high = (whole * 2.0**-room).floor()
            low = whole - high * 2.0**room
            return self._product(high.float(), weight).double() * 2.0**room + self._product(low.float(), weight)
        return self._product(whole.double(), weight.double())

    def grown(self, new: Read, old: Read, integers: Tensor) -> tuple[Tensor, Tensor]:
        """What a product of real values grows by between two reads, and for which images that may be added to it.

        Args:
            new: some channels of what is read now.
            old: the same channels of what was read.
            integers: the columns of the weight for these channels.

        Returns:
            Sums [T, N, *], and bool [N]: where a sum of old and grown is not exact, or an image is wide, it is False.
        """
        assert self.digits is not None and new.tops is not None and old.tops is not None
        tops = torch.maximum(new.tops, old.tops) + 1
        spread = tops - torch.minimum(new.tops, old.tops) + self.digits
        sure = spread <= math.floor(math.log2(FLOAT64_EXACT / max(2 * self.reach, 1.0)))
        for wide in (new.wide, old.wide):
            sure = sure if wide is None else sure & ~wide
        apart = Read(new.values.double() - old.values, tops)
        digits = int(spread[sure].max()) if bool(sure.any()) else self.digits
        return self._of_reals(apart, digits, integers, self.op.reach(integers)), sure

    def anew(self, made: Tensor, which: Tensor, read: Read, integers: Tensor) -> Tensor:
        """A product [T, N, *] with some images, bool [N], multiplied anew; it is written to, and returned."""
        rows = which.nonzero().flatten()
        if len(rows):
            made[:, rows] = self.product(read.of(rows), integers)
        return made

    def _of_reals(self, read: Read, digits: int, weight: Tensor, reach: float) -> Tensor:
        """The product of values on grids of so many bits; of any others it is something."""
        from spikewright.reliability.injectable.rounding import join, split  # noqa: PLC0415 - brings Numba, which whole numbers do without

        assert read.tops is not None
        room = _room(reach)
        if self.op.space == 0 or room < _WORTH_SPLITTING:
            return self._product(read.values.double(), weight.double())
        count = max(1 + math.ceil((digits - room) / (room + 1)), 1)
        radix, (times, images) = 2.0 ** (room + 1), read.values.shape[:2]
        planes = read.values.new_empty((count, *read.values.shape), dtype=torch.float32)
        tops = read.tops.numpy()
        value = read.values.reshape(times, images, -1)
        split(planes.flatten(3).numpy(), value.numpy(), np.ldexp(1.0, room - tops), radix)
        made = self._product(planes.flatten(0, 1), weight).unflatten(0, (count, times))
        summed = made.new_empty(made.shape[1:], dtype=torch.float64)
        units = np.ldexp(1.0, tops - room) * radix ** -np.arange(float(count))[:, None]
        join(summed.flatten(2).numpy(), made.contiguous().flatten(3).numpy(), units)
        return summed

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
        """What its product is to read, laid out; without weights, what its operation makes of its inputs."""
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


def weights_for(op: Product, *, memory: str, bits: int, integers: Tensor, most: float | None) -> Weights:
    """Stored integers with a grid that makes every sum of them exact, whatever their bits are.

    Args:
        op: the operation.
        memory: which stored weight they are.
        bits: of each.
        integers: as the operation lays them out.
        most: the largest whole number that is ever read; None where what is read are no whole numbers. Where faulty
            sums of them could pass 2^53 they are put on a grid as well.

    Raises:
        NotExact: not even float64 holds the sums.
    """
    sums = op.fan_in(integers)
    # twice: what is added to a known product reads the difference of two values
    widest = 2.0 * sums * (1.0 if bits == 1 else 2.0 ** (bits - 1))
    if most is not None and most * widest > FLOAT64_EXACT:
        most = None
    # once more: so that images whose largest value changes by a little may still be added to
    digits = min(math.floor(math.log2(FLOAT64_EXACT / widest)) - 1, ENOUGH_DIGITS if op.space else VECTOR_DIGITS)
    if most is None and digits < LEAST_DIGITS:
        raise NotExact(
            f"layer {memory!r} sums {sums} products of {bits}-bit weights, too many to be exact: fewer --bits"
        )
    stored = integers.float()
    return Weights(
        op=op, memory=memory, bits=bits, integers=stored, reach=op.reach(stored),
        digits=digits if most is None else None, limit=math.inf if most is None else most,
        reading=torch.float32 if most is not None and most <= FLOAT32_EXACT else torch.float64,
    )  # fmt: skip


def _room(reach: float) -> int:
    """Bits of whole numbers whose products float32 sums exactly."""
    return math.floor(math.log2(FLOAT32_EXACT / max(reach, 1.0)))


def image_by_image(op: Operation, inputs: Sequence[Tensor], evaluate: Evaluate) -> Tensor:
    """What an operation that is not linear makes of values [T, N, *] each.

    One that sums, as norms do, is given one image at a time, so that none is summed in another order for its company.
    """
    if op.linear or op.elementwise or op.maximum:
        return evaluate(inputs)
    return torch.cat(
        [evaluate([x[:, image : image + 1].contiguous() for x in inputs]) for image in range(inputs[0].shape[1])]
        or [evaluate(inputs)],
        1,
    )


def averaged(op: Averaging, value: Tensor, evaluate: Callable[[Tensor], Tensor]) -> Tensor:
    """A mean of real values [T, N, *], the same in any order of adding up; float64.

    Args:
        op: the operation.
        value: what is averaged.
        evaluate: what the operation makes of float64 values [T, N, *].
    """
    digits = MOST_DIGITS - math.ceil(math.log2(max(op.terms(tuple(value.shape[2:])), 1)))
    return sum((evaluate(part.values) for part in parts(value, digits)), start=torch.zeros((), dtype=torch.float64))
