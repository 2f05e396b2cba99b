"""How timesteps are learned: the price of a step, what it is over, and which two numbers move."""

from dataclasses import dataclass
from math import isfinite

from spikewright.errors import BadSetting
from spikewright.training.timesteps.parametrisation import PARAMETRISATIONS

PENALTY, PENALTY_TO_TARGET = 0.01, 0.05  # prices of a step of one layer, without and with a target
WEIGHTINGS = ("uniform", "neurons", "synops")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestepSettings:
    """How the timesteps of each activation are learned (`training/timesteps/learned.py`).

    `target_timesteps` is the mean T at which the price is off; None prices every step. `timestep_penalty` is
    the price of one step of one layer, None takes `PENALTY_TO_TARGET` or `PENALTY`. `timestep_weighting` is
    what the mean is over, `parametrisation` which two numbers are learned. `timestep_rate` is how far a layer's
    t goes in the whole training under a gradient of 1, before the schedule: it does not depend on how long the
    training is, nor on the learning rate of the weights.

    Raises:
        BadSetting: a number out of its range, or an unknown name.
    """

    target_timesteps: float | None = None
    timestep_penalty: float | None = None
    timestep_weighting: str = "uniform"
    parametrisation: str = "t_alpha"
    timestep_rate: float = 400.0

    def __post_init__(self) -> None:
        target = self.target_timesteps
        if target is not None and (not isfinite(target) or target < 1):
            raise BadSetting(
                f"training: target-timesteps is {target}: it must be 1 or more, as each layer takes a step"
            )
        for name in ("timestep_penalty", "timestep_rate"):
            value = getattr(self, name)
            if value is not None and (not isfinite(value) or value < 0):
                raise BadSetting(f"training: {name.replace('_', '-')} is {value}: it must be 0 or more")
        for name, known in (("timestep_weighting", WEIGHTINGS), ("parametrisation", PARAMETRISATIONS)):
            value = getattr(self, name)
            if value not in known:
                words = ", ".join(known)
                raise BadSetting(f"training: {name.replace('_', '-')} is '{value}': choose one of {words}")

    @property
    def price(self) -> float:
        """The price of a step of one layer: as asked for, or the default."""
        if self.timestep_penalty is not None:
            return self.timestep_penalty
        return PENALTY if self.target_timesteps is None else PENALTY_TO_TARGET
