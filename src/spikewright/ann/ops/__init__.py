"""Operations, a family a file: of a captured network, and of a plan, whose nodes pass on sums or graded values.

An operation is a frozen description (geometry only) that can be applied to tensors whose first axis is a
batch of any size, [N, *features]; time is folded into that axis by the engines. Weights are passed in.
Knows nothing about spikes, codes or networks. What a pass does with each is a table of its own (`rules.py`).
"""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

Shape = tuple[int, ...]


class Work(NamedTuple):
    """What an operation that is not linear computes for one sample; products of two signals are `macs`."""

    macs: int = 0
    multiplications: int = 0
    additions: int = 0
    comparisons: int = 0
    divisions: int = 0
    roots: int = 0
    exponentials: int = 0

    def plus(self, other: "Work") -> "Work":
        """The sum, field by field."""
        return Work(*(one + more for one, more in zip(self, other, strict=True)))


class Operation:
    """What is known of every operation; a subclass is a frozen dataclass with a `kind`, which names it in files."""

    __slots__ = ()

    kind: Any  # a Literal in each class

    in_plan: ClassVar[bool] = True  # may stand in a plan; else only in a source, and staging takes it apart
    linear: ClassVar[bool] = True  # f(a·x + b·y) = a·f(x) + b·f(y): it may be run step by step, or on the total
    operands: ClassVar[int] = 1  # how many values it reads, unless it adds or joins
    elementwise: ClassVar[bool] = False  # of what is not linear: each element is made of those in its own place
    weighted: ClassVar[bool] = False  # needs the array `weight`
    multiplies: ClassVar[bool] = False
    contracts: ClassVar[bool] = False  # sums products of what it reads: with a weight, or of two signals
    nonnegative: ClassVar[bool] = False  # its values are never below 0, whatever it reads
    scales: ClassVar[bool] = False  # a product with a constant gain
    adds: ClassVar[bool] = False  # sums its inputs
    averages: ClassVar[bool] = False
    moves: ClassVar[bool] = False
    passes: ClassVar[bool] = False  # hands its input on as it is
    joins: ClassVar[bool] = False  # puts its inputs side by side along `dim`
    normalises: ClassVar[bool] = False  # batch norm
    offsets: ClassVar[bool] = False  # adds a constant
    maximum: ClassVar[bool] = False
    activates: ClassVar[bool] = False

    def takes(self, count: int) -> bool:
        """Whether it can read so many values."""
        return count >= 1 if self.adds or self.joins else count == self.operands

    @property
    def joins_channels(self) -> bool:
        """Whether it puts its inputs side by side along the channels."""
        return False

    def channel_axis(self, axis: int, given: Shape, made: Shape) -> int:
        """Which axis of what it makes is that of channels, if that is `axis` of its first input; without the batch."""
        return axis if len(given) == len(made) else 0

    def work(self, given: Sequence[Shape], made: Shape) -> Work:
        """What it computes for a sample of inputs of these shapes: nothing of its own, where it is linear."""
        return Work()

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *features] each → [N, *features]; `weight` where the operation is weighted."""
        raise TypeError(f"{type(self).__name__} is an operation of sources only")


class Activating(Operation):
    """An activation: what a stage of a spiking network fires in place of."""

    __slots__ = ()

    in_plan: ClassVar[bool] = False
    linear: ClassVar[bool] = False
    activates: ClassVar[bool] = True

    cap: Any  # float | None: the largest value; its distance from the least, where that is below 0
    levels: Any  # int | None: the largest code, where it was trained with levels
    slip: Any  # float: the share of the plain clip mixed into the rounding
    signed: Any = False  # whether its codes have a sign of their own
    staircase: ClassVar[bool] = False  # fires by a table of thresholds, not by multiples of one

    @property
    def rises(self) -> bool:
        """Whether a larger potential never gives a smaller value: then it commutes with a maximum."""
        return True

    @property
    def times_its_input(self) -> "Activating | None":
        """The activation z·g(z), where that is one as well."""
        return None

    def with_levels(self, levels: int | None, slip: float) -> "Activating":
        """The same with other levels, or none.

        Raises:
            BadSetting: a slip, where it can have none.
        """
        raise NotImplementedError

    def turn(self, slope: Tensor | None) -> Tensor | None:
        """Where the one minimum is of what falls before it; None: it rises everywhere."""
        return None

    def evaluate(self, z: Tensor, slope: Tensor | None) -> Tensor:
        """Its value without levels, by the same functions whatever runs; `slope` is its array of that role."""
        return z.clamp(0, self.cap)

    def steepness(self, slope: Tensor | None) -> Tensor:
        """The most that its value changes by for a change of its potential."""
        return torch.ones((), dtype=torch.float64)

    @property
    def jump(self) -> float | None:
        """The potential at which its value jumps, if there is one."""
        return None

    def below(self, unit: Tensor, levels: int) -> Tensor:
        """How many steps of `unit` lie below 0 of a code with `levels`, shaped as `unit`."""
        return torch.zeros_like(unit)

    def emitted(self, value: Tensor, unit: Tensor, levels: int) -> Tensor:
        """What the spikes of a rounded value are worth: it counts from the code 0 up."""
        return value

    def sizes(self, value: Tensor) -> Tensor:
        """What thresholds are chosen from: a value as a number from 0 up."""
        return value

    def from_sizes(self, sizes: Tensor) -> Tensor:
        """The value of such a number."""
        return sizes


class EvenWindows(NamedTuple):
    """Windows of means over the last axes that all divide alike."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    divisor: int


class Averaging(Operation):
    """Means over windows or axes; shapes are those of one sample, without the batch."""

    __slots__ = ()

    averages: ClassVar[bool] = True

    def axes(self, given: Shape) -> tuple[int, ...]:
        """The feature axes that it averages over."""
        raise NotImplementedError

    def full_rank(self, made: Shape) -> Shape:
        """The shape of what it makes, with the axes that it averaged away as 1."""
        return made

    def without(self, shape: Shape) -> Shape:
        """`full_rank` undone: a shape without the axes that it averages away."""
        return shape

    def window(self, axis: int, given: int, made: int) -> Tensor:
        """1 where window o holds input position y of the `axis`-th of its axes, [made, given] float64."""
        raise NotImplementedError

    def common_divisor(self, given: Shape) -> int:
        """The least number by which every mean that it takes of integers is an integer."""
        raise NotImplementedError

    def terms(self, given: Shape) -> int:
        """How many values a mean is of, at most."""
        raise NotImplementedError

    def even_windows(self, given: Shape) -> EvenWindows | None:
        """Its windows, or None where they differ in what they divide by."""
        raise NotImplementedError


class Moving(Operation):
    """Moves values and computes nothing."""

    __slots__ = ()

    moves: ClassVar[bool] = True


class Graded(Operation):
    """Computed of numbers, the window's totals, and passed on as numbers."""

    __slots__ = ()

    linear: ClassVar[bool] = False


class Maximum(Operation):
    """The largest of each window: not linear, but it commutes with a monotone activation."""

    __slots__ = ()

    linear: ClassVar[bool] = False
    maximum: ClassVar[bool] = True

    def axes(self, given: Shape) -> tuple[int, ...]:
        """The feature axes that its windows go over."""
        raise NotImplementedError


class Product(Operation):
    """Sums of products with a weight, which is laid out as torch has it: a matrix product or a convolution."""

    __slots__ = ()

    weighted: ClassVar[bool] = True
    multiplies: ClassVar[bool] = True
    contracts: ClassVar[bool] = True

    @property
    def space(self) -> int:
        """How many axes follow the channel's: one number a channel broadcasts as [channels, 1, …]."""
        raise NotImplementedError

    def channels_first(self, shape: Shape) -> bool:
        """Whether the axis that it maps is the first feature axis of a value of that shape."""
        raise NotImplementedError

    def in_channels(self, weight: Tensor) -> int:
        """How many channels it reads."""
        raise NotImplementedError

    def out_channels(self, weight: Tensor) -> int:
        """How many channels it makes."""
        raise NotImplementedError

    @property
    def one_group(self) -> bool:
        """Whether every output channel reads every input channel."""
        return True

    @property
    def outputs_come_first(self) -> bool:
        """Whether the first axis of its weight is its output channels."""
        return True

    def reach(self, weight: Tensor) -> float:
        """The largest magnitude of a sum of products with inputs of magnitude 1, at most."""
        return float(weight.abs().flatten(1).sum(1, dtype=torch.float64).max())

    def as_vector(self, constant: Tensor, weight: Tensor) -> Tensor | None:
        """A constant as one number an output channel, [out], if it is no more and can be added in the same pass."""
        raise NotImplementedError

    def fan_in(self, weight: Tensor) -> int:
        """How many products are summed for one output, at most."""
        raise NotImplementedError

    def fan_out(self, weight: Tensor) -> int:
        """How many products one input is part of, at most."""
        return weight.numel() // self.in_channels(weight)

    def scale_inputs(self, weight: Tensor, gain: Tensor) -> Tensor:
        """The weight that acts on inputs `gain` (one number per input channel) times as large."""
        raise NotImplementedError

    def scale_outputs(self, weight: Tensor, gain: Tensor) -> Tensor:
        """The weight whose outputs are `gain` (one number per output channel) times as large."""
        raise NotImplementedError

    def synapses(self, present: Tensor, given: Shape, made: Shape) -> Tensor:
        """How many of the weights marked in `present` (bool, as the weight is laid out) each input meets, [*given]."""
        raise NotImplementedError

    def outputs_first(self, weight: Tensor) -> Tensor:
        """The weight as [out, in, *], whatever torch's layout: a transposed convolution's begins with its inputs."""
        return weight

    def as_laid_out(self, weight: Tensor) -> Tensor:
        """A weight [out, in, *] in torch's layout for the operation: `outputs_first` undone."""
        return weight
