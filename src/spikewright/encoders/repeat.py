"""Repeated input: the analog value spread evenly over T steps, a constant current of value/T.

Source: direct coding as in QCFS (Bu et al. 2022), which presents the full image T times and averages the
output; that is this times T.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from spikewright.errors import BadSetting


@dataclass(frozen=True, slots=True)
class Repeat:
    """The value in equal parts over `timesteps` steps."""

    timesteps: int
    kind: Literal["repeat"] = "repeat"

    def __post_init__(self) -> None:
        if self.timesteps < 1:
            raise BadSetting(f"timesteps must be at least 1, got {self.timesteps}")

    def __call__(self, x: Tensor) -> Tensor:
        """[N, *] → [T, N, *]."""
        return (x / self.timesteps).expand(self.timesteps, *x.shape)
