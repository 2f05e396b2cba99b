"""Activations that are another function than a (capped) ReLU."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor

from spikewright.ann.curves import FUNCTIONS, Function
from spikewright.ann.ops import Activating
from spikewright.errors import BadSetting

_TIMES_INPUT = {"sigmoid": "silu", "hardsigmoid": "hardswish"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve(Activating):
    """g(z) of `ann/curves.py`, or with `levels` its value rounded to the nearest of equal steps (array threshold).

        unit = θ/L        offset code  c = clip(⌊g/unit + ½⌋ + m, 0, L) − m,   m = ⌊½ − low/unit⌋ steps below 0
                          signed code  c = sgn(g)·clip(⌊|g|/unit + ½⌋, 0, L)   where g has no least value
    So 0 is always one of the steps. θ is the range from the least step to the largest; of a signed code, the largest.

    Attributes:
        function: its name.
        parameters: what that function takes, in its order.
        signed: whether its codes have a sign of their own.
        levels: L, the largest code, where it was trained with levels.

    Raises:
        BadSetting: no such function, or it takes other parameters, or a code without sign for what has no least value.
    """

    function: str
    parameters: tuple[float, ...] = ()
    signed: bool = False
    levels: int | None = None
    kind: Literal["curve"] = "curve"
    staircase: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.function not in FUNCTIONS:
            raise BadSetting(f"no activation named {self.function!r}: choose one of {', '.join(sorted(FUNCTIONS))}")
        taken = self.known.parameters
        if len(self.parameters) != taken:
            raise BadSetting(f"activation {self.function!r} takes {taken} parameters, not {len(self.parameters)}")

    def with_levels(self, levels: int | None, slip: float) -> "Curve":
        if slip:
            raise BadSetting(f"slip is {slip}, and {self.function} is no ReLU: train without --slip")
        return replace(self, levels=levels)

    @property
    def slip(self) -> float:
        """None of the plain clip is mixed in."""
        return 0.0

    @property
    def known(self) -> Function:
        """The function itself."""
        return FUNCTIONS[self.function]

    @property
    def times_its_input(self) -> "Curve | None":
        whole = _TIMES_INPUT.get(self.function)
        return None if whole is None or self.levels is not None else Curve(function=whole)

    @property
    def low(self) -> float:
        """The least value, where codes have no sign."""
        low = self.known.range(self.parameters).low
        return 0.0 if low is None else low

    @property
    def cap(self) -> float | None:
        """How far apart its least and its largest value are; of a signed code, the largest."""
        high = self.known.range(self.parameters).high
        return None if high is None else high if self.signed else high - self.low

    @property
    def rises(self) -> bool:
        return self.known.minimum is None

    def turn(self, slope: Tensor | None) -> Tensor | None:
        """Where it has its minimum, [] or one a channel, −∞ where it has none; None: it rises everywhere."""
        if self.known.minimum is None:
            return None
        turn = torch.tensor(self.known.minimum, dtype=torch.float64)
        return turn if slope is None else torch.where(slope < 0, turn, -torch.inf)

    def evaluate(self, z: Tensor, slope: Tensor | None) -> Tensor:
        return self.known.evaluate(z, self.parameters, slope)

    def steepness(self, slope: Tensor | None) -> Tensor:
        most = torch.tensor(self.known.steepness(self.parameters), dtype=torch.float64)
        return most if slope is None else torch.maximum(most, slope.abs())

    @property
    def jump(self) -> float | None:
        return None if self.known.jump is None else self.known.jump(self.parameters)

    def below(self, unit: Tensor, levels: int) -> Tensor:
        if self.signed:
            return torch.zeros_like(unit)
        return (0.5 - self.low / unit).floor().clamp(0, levels)

    def emitted(self, value: Tensor, unit: Tensor, levels: int) -> Tensor:
        return value.abs() if self.signed else value + self.below(unit.detach(), levels) * unit

    def sizes(self, value: Tensor) -> Tensor:
        return value.abs() if self.signed else value - self.low

    def from_sizes(self, sizes: Tensor) -> Tensor:
        return sizes if self.signed else sizes + self.low
