"""Exact conversion: T = log2(levels + 1) steps, bit-plane spikes, postponed firing; equal to the quantised source.

    u = v0 + Σ_t W·(w[t]·unit_in·s_in[t]) + b,   v0 = unit/2,   unit = θ/(2^T − 1),   w = (2^(T−1), …, 2, 1)
    for t = 1..T:  s[t] = H(u − w[t]·unit);  u ← u − s[t]·w[t]·unit

Source: "When SNN meets ANN", §5 and Algorithm 1. Differs from print, where it would not be exact: codes run
0..2^T − 1 (Eq. 2 has one more than T bits hold); u starts at half a unit (Eq. 2 rounds, Eq. 10 floors); step
weights run from the most significant bit like the thresholds; batch norm is folded and the bias added once a
window, which Prop. I (with σ, as its appendix has it) spreads over the steps.
The three switches are the rows of Table 4.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from spikewright.assembly import StageSettings, assemble
from spikewright.blueprint import Blueprint
from spikewright.code import Code
from spikewright.encoders.graded import Graded
from spikewright.encoders.repeat import Repeat
from spikewright.errors import BadSetting
from spikewright.schedules.lockstep import Lockstep
from spikewright.schedules.two_phase import TwoPhase
from spikewright.source import Activation, Source
from spikewright.staging import StagedNode, stage
from spikewright.statistics import Statistics
from spikewright.thresholds import least_error_threshold

MOST_TIMESTEPS = 16  # codes of 2^16 values; more is finer than float32 sums can tell apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """Bit-plane conversion in `timesteps` steps.

    Attributes:
        timesteps: T, 1..16; the network has 2^T − 1 levels.
        per_channel: choose a threshold per channel rather than per layer, where thresholds are not trained.
        left_shift: spikes are worth 2^(T−t) units; off: one unit each, T levels.
        bias_shift: the bias arrives once a window; off: at every step, unshifted, as in the source.
        postponed_firing: fire after the whole window; off: as currents arrive.
    """

    timesteps: int = 4
    per_channel: bool = False
    left_shift: bool = True
    bias_shift: bool = True
    postponed_firing: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.timesteps <= MOST_TIMESTEPS:
            raise BadSetting(f"timesteps must be in 1..{MOST_TIMESTEPS} for the exact method, got {self.timesteps}")

    @property
    def exact(self) -> bool:
        """Equal to the quantised source, as long as firing waits and the bias counts once."""
        return self.postponed_firing and (self.bias_shift or not self.left_shift)

    @property
    def code(self) -> Code:
        """The code of every stage."""
        return Code.bit_planes(self.timesteps) if self.left_shift else Code.rate(self.timesteps)

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert a source.

        Args:
            source: the captured network; activations with levels bring their trained thresholds.
            statistics: observed activations, needed for those without.

        Raises:
            BadSetting: an activation has no trained threshold and there are no statistics.
            UnsupportedModule: the graph cannot be arranged as stages.
        """
        thresholds = {node.name: self._threshold(source, node.name, statistics) for node in source.activations}

        def settings(node: StagedNode) -> StageSettings:
            assert node.fires is not None
            unit = thresholds[node.fires.activation] / self.code.levels
            schedule = TwoPhase() if self.postponed_firing else Lockstep()
            return StageSettings(
                schedule=schedule, code=self.code, threshold=unit, initial_potential=unit / 2, amplitude=unit
            )

        # A rate code in lockstep sees the image at every step, as QCFS does; bit planes are made from it once.
        encoder = Graded() if self.left_shift or self.postponed_firing else Repeat(self.timesteps)
        blueprint = assemble(stage(source), settings, encoder=encoder, input_shape=source.input_shape)
        if self.left_shift and not self.bias_shift:
            repeated = {
                name: array * self.timesteps if name.endswith(".bias") and ".before" not in name else array
                for name, array in blueprint.arrays.items()
            }
            return Blueprint(blueprint.plan, repeated)
        return blueprint

    def _threshold(self, source: Source, name: str, statistics: Statistics | None) -> Tensor:
        node = next(node for node in source.activations if node.name == name)
        assert isinstance(node.op, Activation)
        trained = source.array(node, "threshold")
        if trained is not None:
            return trained.double()
        if statistics is None or name not in statistics:
            raise BadSetting(
                f"activation {name!r} has no trained threshold: give calibration inputs (`--data`, or `loader`), "
                "or train the source with `--levels`"
            )
        found = least_error_threshold(statistics[name], self.code.levels, cap=node.op.cap, per_channel=self.per_channel)
        spread = (-1, *(1,) * (len(node.shape) - 1))
        return found.reshape(spread) if self.per_channel else found.to(torch.float64)
