"""Exact conversion: T = log2(levels + 1) steps, bit-plane spikes, postponed firing; equal to the quantised source.

    u = v0 + Σ_t W·(w[t]·unit_in·s_in[t]) + b,   v0 = unit/2,   unit = θ/(2^T − 1),   w = (2^(T−1), …, 2, 1)
    for t = 1..T:  s[t] = H(u − w[t]·unit);  u ← u − s[t]·w[t]·unit

Source: "When SNN meets ANN", §5 and Algorithm 1. Differs from print, where it would not be exact: codes run
0..2^T − 1 (Eq. 2 has one more than T bits hold); u starts at half a unit (Eq. 2 rounds, Eq. 10 floors); step
weights run from the most significant bit like the thresholds; batch norm is folded and the bias added once a
window, which Prop. I (with σ, as its appendix has it) spreads over the steps.
The three switches are the rows of Table 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from spikewright.ann.channels import by_channel, channel_axes
from spikewright.ann.ops import Activating
from spikewright.ann.source import Source
from spikewright.conversion.assemble import StageSettings, assemble
from spikewright.conversion.calibrators import Calibrator
from spikewright.conversion.methods._rate import per_activation
from spikewright.conversion.methods._staircase import require_multiples, resting, staircase_settings
from spikewright.conversion.observe import Histogram, Statistics
from spikewright.conversion.stages.stage import stage
from spikewright.conversion.stages.staged import FiringNode
from spikewright.conversion.thresholds import (
    Rule,
    choose_thresholds,
    has_trained_thresholds,
    least_error_range,
    least_error_threshold,
    off_extrema,
)
from spikewright.errors import BadSetting
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.schedules.lockstep import Lockstep
from spikewright.snn.schedules.two_phase import TwoPhase

MOST_TIMESTEPS = 16  # codes of 2^16 values; more is finer than float32 sums can tell apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """Bit-plane conversion in `timesteps` steps.

    Attributes:
        timesteps: T, 1..16; a stage has 2^T − 1 levels. One number for all, or one per activation in the
            source's order.
        per_channel: choose a threshold per channel rather than per layer, where thresholds are not trained.
        left_shift: spikes are worth 2^(T−t) units; off: one unit each, T levels.
        bias_shift: the bias arrives once a window; off: at every step, unshifted, as in the source.
        postponed_firing: fire after the whole window; off: as currents arrive.
    """

    timesteps: int | tuple[int, ...] = 4
    per_channel: bool = False
    left_shift: bool = True
    bias_shift: bool = True
    postponed_firing: bool = True

    def __post_init__(self) -> None:
        for steps in (self.timesteps,) if isinstance(self.timesteps, int) else self.timesteps:
            if not 1 <= steps <= MOST_TIMESTEPS:
                raise BadSetting(f"timesteps must be in 1..{MOST_TIMESTEPS} for the exact method, got {steps}")
        mixed = not isinstance(self.timesteps, int) and len(set(self.timesteps)) > 1
        if mixed and not (self.postponed_firing and self.bias_shift):
            raise BadSetting("mixed timesteps need postponed_firing and bias_shift: give one number of timesteps")

    @property
    def exact(self) -> bool:
        """Equal to the quantised source, as long as firing waits and the bias counts once."""
        return self.postponed_firing and (self.bias_shift or not self.left_shift)

    @property
    def calibrators(self) -> tuple[Calibrator, ...]:
        """None."""
        return ()

    def needs_statistics(self, source: Source) -> bool:
        """Only where training set no threshold."""
        return not has_trained_thresholds(source)

    def require(self, source: Source) -> None:
        """One number of timesteps for all activations, or one each."""
        per_activation(source, self.timesteps)
        self._require_whole_windows(source)
        stage(source)

    def _require_whole_windows(self, source: Source) -> None:
        if not self.exact:
            require_multiples(source, "firing as currents arrive, or with the whole bias at every step,")

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert a source.

        Args:
            source: the captured network; activations with levels bring their trained thresholds.
            statistics: observed activations, needed for those without.

        Raises:
            BadSetting: an activation has no trained threshold and there are no statistics.
            UnsupportedModule: the graph cannot be arranged as stages.
        """
        self._require_whole_windows(source)
        codes = {
            name: Code.bit_planes(steps) if self.left_shift else Code.rate(steps)
            for name, steps in per_activation(source, self.timesteps).items()
        }
        thresholds = choose_thresholds(source, statistics, self._least_error(source, codes))
        units = {name: threshold / codes[name].levels for name, threshold in thresholds.items()}
        tables = {node.name for node in source.activations if isinstance(node.op, Activating) and node.op.staircase}

        def settings(node: FiringNode) -> StageSettings:
            name = node.fires.activation
            unit = units[name]
            if name in tables:
                return staircase_settings(source, node, unit, codes[name])
            schedule = TwoPhase() if self.postponed_firing else Lockstep()
            return StageSettings(
                schedule=schedule, code=codes[name], threshold=unit, initial_potential=unit / 2, amplitude=unit
            )

        steps = max((code.timesteps for code in codes.values()), default=1)
        # A rate code in lockstep sees the image at every step, as QCFS does; bit planes are made from it once.
        repeated = not self.left_shift and not self.postponed_firing and codes
        encoder = Repeat(steps) if repeated else Graded()
        staged = stage(source, resting=resting(source, units, codes))
        blueprint = assemble(staged, settings, source=source, encoder=encoder)
        return _unshifted(blueprint, steps) if self.left_shift and not self.bias_shift else blueprint

    def _least_error(self, source: Source, codes: Mapping[str, Code]) -> Rule:
        """The rule by which thresholds are chosen that training did not set."""
        ranks = {node.name: len(node.shape) for node in source.activations}
        axes = channel_axes(source.nodes, source.value_shapes)

        def least_error(seen: Histogram, op: Activating, name: str) -> Tensor:
            levels = codes[name].levels
            if op.staircase and not op.signed:
                found = least_error_range(seen, op, levels, per_channel=self.per_channel)
                found = off_extrema(op, found, levels)
            else:
                found = least_error_threshold(seen, levels, cap=op.cap, per_channel=self.per_channel)
            own = by_channel(len(found), axes[name], ranks[name]) if self.per_channel else ()
            return found.double().reshape(own)

        return least_error


def _unshifted(blueprint: Blueprint, steps: int) -> Blueprint:
    """With the whole bias at each of so many steps."""
    arrays = {
        name: array * steps if name.endswith(".bias") and ".before" not in name else array
        for name, array in blueprint.arrays.items()
    }
    return Blueprint(blueprint.plan, arrays)
