"""Truncation: the first T_out steps; what came later is lost.

    v'[t] = (T_in/T_out) · v[t],   t < T_out ≤ T_in
Source: QAC, §4.3 (truncation, for temporal reduction only).
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from spikewright.errors import BadPlan


@dataclass(frozen=True, slots=True)
class Truncate:
    """The first `timesteps` steps."""

    timesteps: int
    kind: Literal["truncate"] = "truncate"

    def __post_init__(self) -> None:
        if self.timesteps < 1:
            raise BadPlan(f"an alignment needs at least 1 timestep, got {self.timesteps}")

    @property
    def averages(self) -> bool:
        """Steps differ."""
        return False

    def copies(self, given: int) -> float:
        """The share of the steps that is kept."""
        return self.timesteps / given

    def __call__(self, train: Tensor) -> Tensor:
        """[T_in, N, *] → [T_out, N, *]; T_in below T_out is refused."""
        given = len(train)
        if given < self.timesteps:
            raise BadPlan(
                f"truncation cannot make {self.timesteps} steps of {given}: choose average or replicate to expand"
            )
        return train[: self.timesteps] * (given / self.timesteps)
