"""Replication: each step of the result takes the nearest step of the train, by whole indices.

    v'[t] = (T_in/T_out) · v[⌊t · T_in/T_out⌋],   t from 0
For an expansion each step is repeated, evenly only where T_in divides T_out; for a reduction steps are skipped,
and with them what they carried.

Source: QAC, §4.3 (replication, by "integer indexing").
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from spikewright.errors import BadPlan


@dataclass(frozen=True, slots=True)
class Replicate:
    """The nearest steps, `timesteps` of them."""

    timesteps: int
    kind: Literal["replicate"] = "replicate"
    expands: ClassVar[bool] = True
    resamples: ClassVar[bool] = True
    averages: ClassVar[bool] = False  # steps differ

    def __post_init__(self) -> None:
        if self.timesteps < 1:
            raise BadPlan(f"an alignment needs at least 1 timestep, got {self.timesteps}")

    def step_of(self, given: int, step: int) -> int:
        """⌊t · T_in/T_out⌋."""
        return step * given // self.timesteps

    def require(self, given: int) -> None:
        """Any train has a nearest step."""

    def copies(self, given: int) -> float:
        """T_out/T_in."""
        return self.timesteps / given

    def __call__(self, train: Tensor) -> Tensor:
        """[T_in, N, *] → [T_out, N, *]."""
        given = len(train)
        index = torch.arange(self.timesteps, device=train.device) * given // self.timesteps
        return train[index] * (given / self.timesteps)
