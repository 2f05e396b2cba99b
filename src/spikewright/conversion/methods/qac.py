"""QAC: each layer its own number of timesteps, trains aligned in time between layers.

    T_l = scale · t_l,  unit_l = θ_l/T_l,  v0 = unit_l/2
t_l are the levels that training learned, or what is asked for. With averaging (the default) the network equals
its quantised source exactly; `scale` k equals the source with k times the levels.

Source: QAC, §4.2-4.3 and Table 5 (temporal scaling). Differs: v0 = unit/2 and the step weights are stated, so
that the equality is exact. Where training set no threshold, the one with the least rounding error is taken.
"""

from dataclasses import dataclass

from spikewright.ann.ops import Activating
from spikewright.ann.source import Source
from spikewright.conversion.align import Joining
from spikewright.conversion.calibrators import Calibrator
from spikewright.conversion.methods._rate import per_activation, rate_blueprint, require_timesteps
from spikewright.conversion.methods._staircase import require_multiples
from spikewright.conversion.observe import Statistics
from spikewright.conversion.stages.stage import stage
from spikewright.conversion.thresholds import choose_thresholds, has_trained_thresholds, least_error_threshold
from spikewright.errors import BadSetting
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Qac:
    """Mixed timesteps.

    Attributes:
        timesteps: T, one for all or one per activation in the source's order; None takes the learned levels.
        scale: k, multiplies all of them.
        alignment: average, or expansion,reduction as in `Joining.parse`.
    """

    timesteps: int | tuple[int, ...] | None = None
    scale: int = 1
    alignment: str = "average"

    def __post_init__(self) -> None:
        for steps in (self.timesteps,) if isinstance(self.timesteps, int) else self.timesteps or ():
            require_timesteps(steps)
        if self.scale < 1:
            raise BadSetting(f"scale must be at least 1, got {self.scale}")
        _ = self.joining

    @property
    def joining(self) -> Joining:
        """How trains are aligned."""
        return Joining.parse(self.alignment)

    @property
    def exact(self) -> bool:
        """Equal to the quantised source where every train is averaged."""
        return self.joining.exact

    @property
    def calibrators(self) -> tuple[Calibrator, ...]:
        """None."""
        return ()

    def needs_statistics(self, source: Source) -> bool:
        """Only where training set no threshold."""
        return not has_trained_thresholds(source)

    def require(self, source: Source) -> None:
        """Timesteps that are given or learned, one for all or one each, and not too many."""
        require_multiples(source, "qac")
        self._steps(source)
        stage(source)

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert.

        Raises:
            BadSetting: no timesteps are given and the source has not learned any, or `scale` makes too many of them.
        """
        steps = self._steps(source)
        thresholds = choose_thresholds(
            source, statistics, lambda seen, op, name: least_error_threshold(seen, steps[name], cap=op.cap).double()
        )
        return rate_blueprint(source, thresholds, steps, joining=self.joining)

    def _steps(self, source: Source) -> dict[str, int]:
        steps = {name: self.scale * base for name, base in self._base(source).items()}
        for count in steps.values():
            require_timesteps(count)
        return steps

    def _base(self, source: Source) -> dict[str, int]:
        if self.timesteps is not None:
            return per_activation(source, self.timesteps)
        found: dict[str, int] = {}
        for node in source.activations:
            assert isinstance(node.op, Activating)
            if node.op.levels is None:
                raise BadSetting(
                    f"activation {node.name!r} has learned no timesteps: give timesteps, or train the source with "
                    "`--learn-timesteps`"
                )
            found[node.name] = node.op.levels
        return found
