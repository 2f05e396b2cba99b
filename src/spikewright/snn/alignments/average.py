"""Averaging: the mean over the window, repeated; every step delivers the same graded current.

    v'[t] = (1/T_out) · Σ_i v[i]
Nothing of the value is lost, so a stage that starts at half a unit equals its quantised source exactly. The
price: what arrives is a mean and not a spike, so a machine accumulates the weighted spikes of the whole window
once and injects the mean T_out times, and it cannot begin before the window is over.

Source: QAC, Eq. 12-13 (temporal averaging expansion alignment).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from spikewright.errors import BadPlan


@dataclass(frozen=True, slots=True)
class Average:
    """The mean, `timesteps` times."""

    timesteps: int
    kind: Literal["average"] = "average"
    expands: ClassVar[bool] = True
    resamples: ClassVar[bool] = False
    averages: ClassVar[bool] = True  # every step is equal

    def __post_init__(self) -> None:
        if self.timesteps < 1:
            raise BadPlan(f"an alignment needs at least 1 timestep, got {self.timesteps}")

    def step_of(self, given: int, step: int) -> int:  # noqa: ARG002
        """Every step holds a part of each: none is it."""
        raise TypeError("an average has steps of its own")

    def require(self, given: int) -> None:
        """Any train has a mean."""

    def copies(self, given: int) -> float:  # noqa: ARG002
        """Each spike is accumulated once."""
        return 1.0

    def __call__(self, train: Tensor) -> Tensor:
        """[T_in, N, *] → [T_out, N, *], an expanded view."""
        total = train if len(train) == 1 else train.sum(0, keepdim=True)
        return (total / self.timesteps).expand(self.timesteps, *train.shape[1:])
