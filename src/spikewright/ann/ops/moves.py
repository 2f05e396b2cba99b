"""Operations that move values and compute nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.ann.ops import Moving, Shape
from spikewright.errors import BadSetting

FARTHEST_AXIS = 64  # no value has one so far back


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity(Moving):
    """Pass the input on: a firing stage that reads another node's value as it is."""

    kind: Literal["identity"] = "identity"
    passes: ClassVar[bool] = True

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] → [N, *]."""
        return inputs[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concat(Moving):
    """Join the inputs along axis `dim` (the batch is axis 0)."""

    dim: int
    kind: Literal["concat"] = "concat"
    joins: ClassVar[bool] = True

    @property
    def joins_channels(self) -> bool:
        return self.dim == 1

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, C_i, *] each → [N, ΣC_i, *] for dim = 1."""
        return torch.cat(list(inputs), self.dim)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshape(Moving):
    """Another shape for the features; the batch stays the first axis."""

    shape: tuple[int, ...]
    kind: Literal["reshape"] = "reshape"

    def channel_axis(self, axis: int, given: Shape, made: Shape) -> int:
        """The axis of as many places with as many values after each; none: the first."""
        after = math.prod(given[axis + 1 :])
        for index, size in enumerate(made):
            if given and size == given[axis] and math.prod(made[index + 1 :]) == after:
                return index
        return 0

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *features] → [N, *shape]."""
        return inputs[0].reshape(inputs[0].shape[0], *self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permute(Moving):
    """Another order of the axes; the batch stays the first."""

    dims: tuple[int, ...]
    kind: Literal["permute"] = "permute"

    def channel_axis(self, axis: int, given: Shape, made: Shape) -> int:
        """Where the axis goes."""
        return self.dims.index(axis + 1) - 1

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *features] → [N, *features permuted]."""
        return inputs[0].permute(self.dims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Moving):
    """The part start:stop:step of axis `dim` (the batch is axis 0)."""

    dim: int
    start: int
    stop: int
    step: int = 1
    kind: Literal["slice"] = "slice"

    def __post_init__(self) -> None:
        if not 0 <= self.dim <= FARTHEST_AXIS or self.step < 1:
            raise BadSetting(f"a slice of axis {self.dim} by {self.step}: there is no such axis, or no such step")

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] → [N, *] with axis `dim` cut."""
        index = [slice(None)] * self.dim + [slice(self.start, self.stop, self.step)]
        return inputs[0][tuple(index)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroPad(Moving):
    """Zeros around the last axes, `pads` as torch.nn.functional.pad takes them."""

    pads: tuple[int, ...]
    kind: Literal["zero_pad"] = "zero_pad"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] → [N, *] with the last axes widened."""
        return F.pad(inputs[0], self.pads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather(Moving):
    """Places `index` of axis `dim` (the batch is axis 0), in that order, each as often as it is named.

    Mirrored, repeated and shifted values are such copies, and so is resampling to the nearest.

    Raises:
        BadSetting: the batch axis, no places, or a place below 0.
    """

    dim: int
    index: tuple[int, ...]
    kind: Literal["gather"] = "gather"

    def __post_init__(self) -> None:
        if not 0 < self.dim < FARTHEST_AXIS or not self.index or min(self.index) < 0:
            raise BadSetting(f"gather: places {list(self.index)[:5]} of axis {self.dim}: name places of features")

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] → [N, *] with axis `dim` as long as `index`."""
        return inputs[0].index_select(self.dim, torch.tensor(self.index, device=inputs[0].device))
