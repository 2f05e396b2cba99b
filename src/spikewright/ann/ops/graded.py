"""What is computed with numbers and by no spike: products and quotients of signals, maxima, norms, softmax.

None of it is linear, so it is computed once, of the window's totals, and counted as what it costs (`Work`). An
operation of two values broadcasts one against the other, as torch does; both have as many axes.
Sources: Ba et al., "Layer Normalization", 2016; Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from spikewright.ann.ops import Graded, Operation, Shape, Work
from spikewright.ann.ops.moves import FARTHEST_AXIS
from spikewright.errors import BadSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiply(Graded):
    """a · b, element by element: a gate."""

    kind: Literal["multiply"] = "multiply"
    operands: ClassVar[int] = 2
    elementwise: ClassVar[bool] = True

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] each → [N, *]."""
        return inputs[0] * inputs[1]

    def work(self, given: Sequence[Shape], made: Shape) -> Work:
        return Work(macs=math.prod(made))


@dataclass(frozen=True, slots=True, kw_only=True)
class Divide(Graded):
    """a / b, element by element; not finite where b is 0."""

    kind: Literal["divide"] = "divide"
    operands: ClassVar[int] = 2
    elementwise: ClassVar[bool] = True

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] each → [N, *]."""
        return inputs[0] / inputs[1]

    def work(self, given: Sequence[Shape], made: Shape) -> Work:
        return Work(divisions=math.prod(made))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reciprocal(Graded):
    """1 / b, element by element; not finite where b is 0."""

    kind: Literal["reciprocal"] = "reciprocal"
    elementwise: ClassVar[bool] = True

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] → [N, *]."""
        return inputs[0].reciprocal()

    def work(self, given: Sequence[Shape], made: Shape) -> Work:
        return Work(divisions=math.prod(made))


@dataclass(frozen=True, slots=True, kw_only=True)
class Larger(Graded):
    """The larger of a and b, element by element."""

    kind: Literal["larger"] = "larger"
    operands: ClassVar[int] = 2
    elementwise: ClassVar[bool] = True

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] each → [N, *]."""
        return torch.maximum(inputs[0], inputs[1])

    def work(self, given: Sequence[Shape], made: Shape) -> Work:
        return Work(comparisons=math.prod(made))


@dataclass(frozen=True, slots=True, kw_only=True)
class Smaller(Graded):
    """The smaller of a and b, element by element."""

    kind: Literal["smaller"] = "smaller"
    operands: ClassVar[int] = 2
    elementwise: ClassVar[bool] = True

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] each → [N, *]."""
        return torch.minimum(inputs[0], inputs[1])

    def work(self, given: Sequence[Shape], made: Shape) -> Work:
        return Work(comparisons=math.prod(made))


@dataclass(frozen=True, slots=True, kw_only=True)
class MatMul(Graded):
    """a @ b over the last two axes; the others go along, or are 1 in one of the two."""

    kind: Literal["matmul"] = "matmul"
    operands: ClassVar[int] = 2
    contracts: ClassVar[bool] = True

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *, m, d], [N, *, d, n] → [N, *, m, n]."""
        return torch.matmul(inputs[0], inputs[1])

    def channel_axis(self, axis: int, given: Shape, made: Shape) -> int:
        """The last: each of its columns is a sum."""
        return max(len(made) - 1, 0)

    def work(self, given: Sequence[Shape], made: Shape) -> Work:
        return Work(macs=math.prod(made) * given[0][-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalise(Graded):
    """(x − μ) / √(σ² + ε) over the axes `dims` (the batch is axis 0); without `centred` x / √(mean x² + ε)."""

    dims: tuple[int, ...]
    epsilon: float
    centred: bool = True
    kind: Literal["normalise"] = "normalise"

    def __post_init__(self) -> None:
        _require(self.kind, self.dims)
        if not 0 <= self.epsilon < math.inf:
            raise BadSetting(f"normalise: epsilon is {self.epsilon}: it must be 0 or more, and finite")

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] → [N, *]."""
        x = inputs[0]
        if self.centred:
            x = x - x.mean(self.dims, keepdim=True)
        return x * (x.square().mean(self.dims, keepdim=True) + self.epsilon).rsqrt()

    def work(self, given: Sequence[Shape], made: Shape) -> Work:
        n, rows = math.prod(made), math.prod(made) // math.prod(made[dim - 1] for dim in self.dims)
        return Work(additions=(2 if self.centred else 1) * n, multiplications=2 * n, roots=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Softmax(Graded):
    """exp(x − max) / Σ exp(x − max) along axis `dim` (the batch is axis 0)."""

    dim: int
    kind: Literal["softmax"] = "softmax"
    nonnegative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _require(self.kind, (self.dim,))

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] → [N, *]."""
        x = (inputs[0] - inputs[0].amax(self.dim, keepdim=True)).exp()
        return x * x.sum(self.dim, keepdim=True).reciprocal()

    def work(self, given: Sequence[Shape], made: Shape) -> Work:
        n = math.prod(made)
        divisions = n // made[self.dim - 1]
        return Work(exponentials=n, comparisons=n, additions=n, multiplications=n, divisions=divisions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Length(Graded):
    """The Euclidean length over the axes `dims` (the batch is axis 0), at least `least`."""

    dims: tuple[int, ...]
    keepdim: bool
    least: float = 0.0
    kind: Literal["length"] = "length"

    def __post_init__(self) -> None:
        _require(self.kind, self.dims)
        if not 0 <= self.least < math.inf:
            raise BadSetting(f"length: the least is {self.least}: it must be 0 or more, and finite")

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] → [N, *] with `dims` gone, or 1."""
        return inputs[0].square().sum(self.dims, keepdim=self.keepdim).sqrt().clamp(min=self.least)

    def channel_axis(self, axis: int, given: Shape, made: Shape) -> int:
        """As many places further to the front as axes before it are gone; the first, where it is gone itself."""
        if axis + 1 in self.dims:
            return 0
        return axis if self.keepdim else axis - sum(dim - 1 < axis for dim in self.dims)

    def work(self, given: Sequence[Shape], made: Shape) -> Work:
        n = math.prod(given[0])
        compared = math.prod(made) if self.least else 0
        return Work(multiplications=n, additions=n, roots=math.prod(made), comparisons=compared)


def as_length(op: Operation) -> Length | None:
    """The operation, if it is one."""
    return op if isinstance(op, Length) else None


def _require(kind: str, dims: tuple[int, ...]) -> None:
    """Feature axes, each once.

    Raises:
        BadSetting: none, the batch axis, or one twice.
    """
    if not dims or not all(0 < dim < FARTHEST_AXIS for dim in dims) or len(set(dims)) < len(dims):
        raise BadSetting(f"{kind}: axes {list(dims)}: name axes of features, each once")


# For passes that treat all of them alike
GRADED: tuple[type[Graded], ...] = (
    Multiply,
    Divide,
    Reciprocal,
    Larger,
    Smaller,
    MatMul,
    Normalise,
    Softmax,
    Length,
)
