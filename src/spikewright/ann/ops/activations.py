"""What only a source has: batch norm, constants, activations."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from spikewright.ann.ops import Activating, Operation
from spikewright.errors import BadSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm(Operation):
    """Normalise each channel (axis 1): arrays weight, bias (both may be absent), mean and variance."""

    epsilon: float
    momentum: float = 0.1
    kind: Literal["batch_norm"] = "batch_norm"
    normalises: ClassVar[bool] = True
    in_plan: ClassVar[bool] = False


def as_batch_norm(op: Operation) -> BatchNorm | None:
    """The operation, if it is one."""
    return op if isinstance(op, BatchNorm) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset(Operation):
    """Add a constant (array offset), broadcast over the features."""

    kind: Literal["offset"] = "offset"
    offsets: ClassVar[bool] = True
    in_plan: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation(Activating):
    """clip(z, 0, cap), or with `levels` the clipped rounding θ·⌊L·clip(z/θ, 0, 1) + ½⌋/L (array threshold).

    `slip` is the share of the plain clip(z, 0, θ) that was mixed in while training (SlipReLU); it belongs to the
    network as trained, and a spiking network knows nothing of it.

    Raises:
        BadSetting: a slip outside [0, 1), or without levels.
    """

    cap: float | None = None
    levels: int | None = None
    slip: float = 0.0
    kind: Literal["activation"] = "activation"

    def with_levels(self, levels: int | None, slip: float) -> "Activation":
        return replace(self, levels=levels, slip=slip)

    def __post_init__(self) -> None:
        if not 0 <= self.slip < 1:
            raise BadSetting(f"slip is {self.slip}: it must be 0 or more, and below 1")
        if self.slip and self.levels is None:
            raise BadSetting(f"slip is {self.slip} where there are no levels: give the activation levels, or no slip")
