"""What separates one stage's value from a ReLU's, part by part; the parts add up.

z: the source's pre-activation. u: what the spiking stage accumulates over its window, v0 left out. a: the value
it emits. All in the value scale; θ the threshold, L the levels, unit = θ/L.

    Q(x) = unit · clip(⌊x/unit + ½⌋, 0, L)          F(u) = unit · clip(⌊(u + v0)/unit⌋, 0, L)

    clipping      max(z, 0) − clip(z, 0, θ)         values above θ
    quantisation  clip(z, 0, θ) − Q(z)              values between two levels; a tie rounds up
    inherited     Q(z) − Q(u)                       the currents that arrive are not the source's
    offset        Q(u) − F(u)                       v0 is not half a unit (0 where it is)
    unevenness    F(u) − a                          firing before the whole window is in (0 if postponed)
    ───────────────────────────────────────
    total         max(z, 0) − a

A positive error means that the stage emits too little. Knows nothing about engines; tensors in, tensors out.

Source: "When SNN meets ANN", §3.2, §4 and Fig. 2–3, which names clipping, quantisation and unevenness after Bu
et al. 2022 and Hao et al. 2023, and prints one formula: (u(T) − u(0))/T, the residual potential, for unevenness.
Differs: unevenness is here what postponed firing would remove, since the residual holds quantisation as well;
and what a stage inherits and what its v0 costs are parts of their own, so that no part hides another.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from spikewright.errors import BadData, BadSetting

PARTS = ("clipping", "quantisation", "inherited", "offset", "unevenness", "total")
AFFECTED_UNITS = 1e-3  # an error below a thousandth of a unit is rounding


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ConversionErrors:
    """The parts of each value's error, [N, *features] float64 in the value scale, and the unit (broadcastable)."""

    clipping: Tensor
    quantisation: Tensor
    inherited: Tensor
    offset: Tensor
    unevenness: Tensor
    unit: Tensor

    @property
    def total(self) -> Tensor:
        """The sum of the parts: ReLU of the source's pre-activation, less what the stage emits."""
        return self.clipping + self.quantisation + self.inherited + self.offset + self.unevenness


def conversion_errors(
    z: Tensor, potential: Tensor, emitted: Tensor, *, threshold: Tensor, levels: int, initial: Tensor
) -> ConversionErrors:
    """Take one stage's error apart, in float64.

    Args:
        z: the source's pre-activation [N, *features], value scale.
        potential: u, what the spiking stage accumulates over its whole window without v0, [N, *features].
        emitted: a, the value that the stage emits, [N, *features].
        threshold: θ > 0, broadcastable to z.
        levels: L, the largest code of the spiking stage (T for a rate code).
        initial: v0 in the value scale, broadcastable to z.

    Raises:
        BadData: z, potential and emitted differ in shape.
        BadSetting: levels below 1, or a threshold that is not above 0.

    """
    if not z.shape == potential.shape == emitted.shape:
        shapes = f"{tuple(z.shape)}, {tuple(potential.shape)}, {tuple(emitted.shape)}"
        raise BadData(f"z, potential and emitted differ in shape ({shapes}): give one stage's values of one batch")
    if levels < 1 or not bool((threshold > 0).all()):
        raise BadSetting(f"levels must be at least 1 and thresholds above 0, got levels {levels}: check the stage")
    z, potential, emitted, threshold, initial = (x.double() for x in (z, potential, emitted, threshold, initial))
    unit = threshold / levels
    clipped = torch.minimum(z.clamp(min=0), threshold)
    rounded, arriving = (_fired(value, unit / 2, unit, levels) for value in (z, potential))
    postponed = _fired(potential, initial, unit, levels)
    return ConversionErrors(
        clipping=z.clamp(min=0) - clipped,
        quantisation=clipped - rounded,
        inherited=rounded - arriving,
        offset=arriving - postponed,
        unevenness=postponed - emitted,
        unit=unit,
    )


def _fired(value: Tensor, initial: Tensor, unit: Tensor, levels: int) -> Tensor:
    """What a stage emits that takes everything in before it fires; a tie fires."""
    return ((value + initial) / unit).floor().clamp(0, levels) * unit


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFigures:
    """One part over all values.

    Attributes:
        mean: in the value scale; above 0, the stage emits too little.
        magnitude_mean: mean of the absolute value (what the paper's Fig. 2a and 3 show).
        rms: root of the mean square.
        affected_share: share of values, 0..1, that are off by more than `AFFECTED_UNITS` of a unit.

    """

    mean: float
    magnitude_mean: float
    rms: float
    affected_share: float


@dataclass(frozen=True, slots=True, eq=False)
class ErrorTally:
    """One stage's errors, summed over batches; `add` returns the tally with a batch more.

    Attributes:
        values: how many values were seen: neurons times samples.
        sums: error, magnitude, square and affected values of each of `PARTS`, [4, parts] float64.

    """

    values: int = 0
    sums: Tensor = field(default_factory=lambda: torch.zeros(4, len(PARTS), dtype=torch.float64))

    def add(self, errors: ConversionErrors) -> "ErrorTally":
        """The tally with a batch's errors more."""
        rows = [_sums(getattr(errors, name), errors.unit) for name in PARTS]
        return ErrorTally(self.values + errors.clipping.numel(), self.sums + torch.stack(rows, 1).cpu())

    def figures(self) -> dict[str, ErrorFigures]:
        """The figures of each part, and of the total.

        Raises:
            BadData: nothing was added.

        """
        if not self.values:
            raise BadData("no errors were added: run at least one batch")
        means = (self.sums / self.values).T.tolist()
        return {
            name: ErrorFigures(mean=mean, magnitude_mean=magnitude, rms=square**0.5, affected_share=affected)
            for name, (mean, magnitude, square, affected) in zip(PARTS, means, strict=True)
        }


def _sums(error: Tensor, unit: Tensor) -> Tensor:
    affected = (error.abs() > AFFECTED_UNITS * unit).sum(dtype=torch.float64)
    return torch.stack([error.sum(), error.abs().sum(), error.square().sum(), affected])
