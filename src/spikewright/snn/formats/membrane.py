"""Membranes stored in k bits: Q(u) = a/n · ⌊n · clip(u/a, −1, 1) + ½⌋, n = 2^(k−1) − 1 and a = scale · unit.

k bits hold the 2n + 1 values −a … a, evenly apart; two bits hold −a, 0 and a. Knows nothing about neurons or time.
The gradient passes straight through the floor: 1 for u within [−a, a], 0 outside.

Source: Q-SNNs, Eq. 9–10. Differs: a tie rounds up (print says round); a is a constant and not taken from the batch.
"""

import math
from dataclasses import dataclass

from torch import Tensor

from spikewright.errors import BadSetting
from spikewright.snn.surrogate import floor


@dataclass(frozen=True, slots=True, kw_only=True)
class MembraneFormat:
    """k-bit membranes.

    Attributes:
        bits: k, in 2..16.
        scale: the largest value that can be stored, in units (thresholds), so that it holds whatever unit an engine
            runs in.
        squash: whether tanh goes first, on u/unit, as in the code released with Q-SNNs; what is stored is then the
            squashed potential.

    Raises:
        BadSetting: bits outside 2..16, or a scale that is not above 0 and finite.
    """

    bits: int
    scale: float
    squash: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 16:
            lone = ": one bit leaves only the value 0" if self.bits == 1 else ""
            raise BadSetting(f"membrane bits must be in 2..16, got {self.bits}{lone}")
        if not (math.isfinite(self.scale) and self.scale > 0):
            silent = ": is the layer silent?" if self.scale == 0 else ""
            raise BadSetting(f"a membrane's scale must be finite and above 0, in thresholds, got {self.scale}{silent}")

    @property
    def largest(self) -> int:
        """The largest stored integer, n; stored ones are −n … n."""
        return 2 ** (self.bits - 1) - 1

    def top(self, unit: Tensor) -> Tensor:
        """The largest value stored, a, in what `unit` is measured in, with its dtype and shape."""
        return self.scale * unit

    def step(self, unit: Tensor) -> Tensor:
        """How far apart neighbouring values are, a/n, in what `unit` is measured in, with its dtype and shape."""
        return self.top(unit) / self.largest

    def levels(self, potential: Tensor, unit: Tensor) -> Tensor:
        """The stored integers −n … n, in the potential's dtype and shape; arguments as of `quantise`."""
        if self.squash:
            potential = (potential / unit).tanh() * unit
        return floor((potential / self.top(unit)).clamp(-1, 1) * self.largest + 0.5)

    def quantise(self, potential: Tensor, unit: Tensor) -> Tensor:
        """The potential as it is remembered.

        Args:
            potential: any shape, measured in whatever `unit` is.
            unit: what `scale` counts, the threshold; of the same dtype, on the same device, 0-d or a map that expands
                to the potential's shape. On a GPU a 0-d tensor left on the CPU would divide by its reciprocal.

        Returns:
            Like `potential`, n + n + 1 values; NaN stays NaN.
        """
        return self.levels(potential, unit) * self.step(unit)
