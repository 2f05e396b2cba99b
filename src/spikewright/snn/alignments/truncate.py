"""Truncation: the first T_out steps; what came later is lost.

    v'[t] = (T_in/T_out) · v[t],   t < T_out ≤ T_in
Source: QAC, §4.3 (truncation, for temporal reduction only).
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from spikewright.errors import BadPlan


@dataclass(frozen=True, slots=True)
class Truncate:
    """The first `timesteps` steps."""

    timesteps: int
    kind: Literal["truncate"] = "truncate"
    expands: ClassVar[bool] = False
    resamples: ClassVar[bool] = True
    averages: ClassVar[bool] = False  # steps differ

    def __post_init__(self) -> None:
        if self.timesteps < 1:
            raise BadPlan(f"an alignment needs at least 1 timestep, got {self.timesteps}")

    def step_of(self, given: int, step: int) -> int:  # noqa: ARG002
        """The same step."""
        return step

    def require(self, given: int) -> None:
        """Refuse fewer steps than it keeps.

        Raises:
            BadPlan: as said.
        """
        if given < self.timesteps:
            raise BadPlan(
                f"truncation cannot make {self.timesteps} steps of {given}: choose average or replicate to expand"
            )

    def copies(self, given: int) -> float:
        """The share of the steps that is kept."""
        return self.timesteps / given

    def __call__(self, train: Tensor) -> Tensor:
        """[T_in, N, *] → [T_out, N, *]; T_in below T_out is refused."""
        given = len(train)
        self.require(given)
        return train[: self.timesteps] * (given / self.timesteps)
