"""Repeated input: the analog value spread evenly over T steps, a constant current of value/T.

Source: direct coding as in QCFS (Bu et al. 2022), which presents the full image T times and averages the
output; that is this times T. With a warm-up, the same current comes for so many steps more, before the window.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from spikewright.errors import BadSetting
from spikewright.snn.limits import MOST_STEPS


@dataclass(frozen=True, slots=True)
class Repeat:
    """The value in equal parts over `timesteps` steps, and the same current over `warmup` steps before."""

    timesteps: int
    warmup: int = 0
    kind: Literal["repeat"] = "repeat"
    streams: ClassVar[bool] = True
    clocked: ClassVar[bool] = False
    constant: ClassVar[bool] = True
    spiking: ClassVar[bool] = False
    timed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_timesteps(self.timesteps)
        if self.warmup < 0:
            raise BadSetting(f"a warm-up must be at least 0 steps, got {self.warmup}")

    @property
    def steps(self) -> int:
        """The warm-up and the window."""
        return self.warmup + self.timesteps

    @property
    def largest(self) -> float | None:
        """No whole numbers."""
        return None

    def total(self, x: Tensor) -> Tensor:
        """The value itself, not divided to be summed again."""
        return x.unsqueeze(0)

    def anew(self, x: Tensor, key: tuple[int, ...]) -> Tensor:  # noqa: ARG002
        """Nothing is drawn."""
        return self(x)

    def __call__(self, x: Tensor) -> Tensor:
        """[N, *] → [warm-up + T, N, *], an expanded view."""
        return (x / self.timesteps).expand(self.warmup + self.timesteps, *x.shape)


def require_timesteps(timesteps: int) -> None:
    """Refuse fewer than one step."""
    if timesteps < 1:
        raise BadSetting(f"timesteps must be at least 1, got {timesteps}")
    if timesteps > MOST_STEPS:
        raise BadSetting(f"timesteps must be at most {MOST_STEPS:,}, got {timesteps:.6g}")
