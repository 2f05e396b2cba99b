"""What the rate-coded methods share: thresholds and timesteps in, a blueprint out.

In the value scale a rate-coded stage of threshold θ and T steps has the unit θ/T; the classical one (threshold
θ, the whole bias at every step) is this times T.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from spikewright.ann.ops import Activating
from spikewright.ann.source import Source
from spikewright.conversion.align import Joining
from spikewright.conversion.assemble import StageSettings, assemble
from spikewright.conversion.calibrators import Calibrator
from spikewright.conversion.methods._staircase import require_multiples
from spikewright.conversion.observe import Histogram, Statistics
from spikewright.conversion.stages.stage import stage
from spikewright.conversion.stages.staged import FiringNode
from spikewright.conversion.thresholds import (
    choose_thresholds,
    has_trained_thresholds,
    least_error_threshold,
    percentile_threshold,
)
from spikewright.errors import BadSetting
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.nodes import AnyLaw, AnySchedule
from spikewright.snn.schedules.lockstep import Lockstep

MOST_TIMESTEPS = 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class RateMethod:
    """A method whose stages all run `timesteps` steps of a rate code.

    Raises:
        BadSetting: timesteps out of 1..65,536.
    """

    timesteps: int = 8

    def __post_init__(self) -> None:
        require_timesteps(self.timesteps)

    @property
    def exact(self) -> bool:
        """Firing as spikes arrive, a network has an error of its own (unevenness)."""
        return False

    @property
    def calibrators(self) -> tuple[Calibrator, ...]:
        """None."""
        return ()

    def needs_statistics(self, source: Source) -> bool:  # noqa: ARG002
        """Thresholds come from the observed activations."""
        return True

    def require(self, source: Source) -> None:
        """Any source that can be staged, and whose stages need no table, can have one number of timesteps."""
        require_multiples(source, "a rate-coded method")
        stage(source)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastErrorMethod(RateMethod):
    """Thresholds with the least rounding error at T levels; some methods keep what training set."""

    USES_TRAINED: ClassVar[bool] = False

    def needs_statistics(self, source: Source) -> bool:
        """Unless training set every threshold and the method keeps it."""
        return not (self.USES_TRAINED and has_trained_thresholds(source))

    def thresholds(self, source: Source, statistics: Statistics | None) -> dict[str, Tensor]:
        """θ by activation."""

        def rule(seen: Histogram, op: Activating, name: str) -> Tensor:  # noqa: ARG001
            return least_error_threshold(seen, self.timesteps, cap=op.cap).double()

        return choose_thresholds(source, statistics, rule, use_trained=self.USES_TRAINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedMethod(LeastErrorMethod):
    """Thresholds from training; where it set none, those with the least rounding error at T levels."""

    USES_TRAINED: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentileMethod(RateMethod):
    """Thresholds that `percentile` % of the activations stay below; some methods keep what training set.

    Attributes:
        percentile: in (0, 100], zeros included.
    """

    percentile: float = 99.9

    USES_TRAINED: ClassVar[bool] = False

    def __post_init__(self) -> None:
        RateMethod.__post_init__(self)
        if not 0 < self.percentile <= 100:
            raise BadSetting(f"percentile must be above 0 and at most 100, got {self.percentile}")

    def needs_statistics(self, source: Source) -> bool:
        """Unless training set every threshold and the method keeps it."""
        return not (self.USES_TRAINED and has_trained_thresholds(source))

    def thresholds(self, source: Source, statistics: Statistics | None) -> dict[str, Tensor]:
        """θ by activation."""

        def rule(seen: Histogram, op: Activating, name: str) -> Tensor:  # noqa: ARG001
            return percentile_threshold(seen, self.percentile, cap=op.cap)

        return choose_thresholds(source, statistics, rule, use_trained=self.USES_TRAINED)


def require_timesteps(timesteps: int) -> None:
    """Refuse a number of timesteps that cannot be."""
    if not 1 <= timesteps <= MOST_TIMESTEPS:
        raise BadSetting(f"timesteps must be in 1..{MOST_TIMESTEPS}, got {timesteps}")


def per_activation(source: Source, timesteps: int | tuple[int, ...]) -> dict[str, int]:
    """Timesteps by activation: one number for all, or one each in the source's order.

    Raises:
        BadSetting: another number of numbers than the source has activations.
    """
    names = [node.name for node in source.activations]
    steps = (timesteps,) * len(names) if isinstance(timesteps, int) else timesteps
    if len(steps) != len(names):
        raise BadSetting(
            f"timesteps gives {len(steps)} numbers, the source has {len(names)} activations "
            f"({', '.join(names[:3])}{', …' if len(names) > 3 else ''}): give one for all, or one each"
        )
    return dict(zip(names, steps, strict=True))


def rate_blueprint(
    source: Source,
    thresholds: Mapping[str, Tensor],
    timesteps: Mapping[str, int],
    *,
    start: float = 0.5,
    law: AnyLaw | None = None,
    schedule: AnySchedule | None = None,
    warmup: int = 0,
    joining: Joining | None = None,
) -> Blueprint:
    """Write a rate-coded network down.

    Args:
        source: the captured network.
        thresholds: θ by activation, in the value scale of a whole window.
        timesteps: T by activation; all the same where nothing aligns trains.
        start: initial potential, in units.
        law: of every neuron; integrate and fire with soft reset if not given.
        schedule: of every stage; lockstep if not given.
        warmup: steps before the window.
        joining: how trains are aligned; None leaves them as they are.
    """
    require_multiples(source, "a rate-coded method")
    longest = max(timesteps.values(), default=1)

    def settings(node: FiringNode) -> StageSettings:
        steps = timesteps[node.fires.activation]
        unit = thresholds[node.fires.activation] / steps
        return StageSettings(
            law=law or IntegrateFire(),
            schedule=schedule or Lockstep(),
            code=Code.rate(steps, warmup=warmup),
            threshold=unit,
            initial_potential=unit * start,
            amplitude=unit,
        )

    encoder = Repeat(longest, warmup) if joining is None else Graded()
    return assemble(stage(source), settings, source=source, encoder=encoder, joining=joining)
