"""Corrected lockstep: replay a warm-up and move v0 until the number of spikes fits, then run the window.

    a round: ρ lockstep steps from v0 on the warm-up's currents; with n spikes and u(ρ) left,
        u(ρ) < 0 and n > 0          one spike too many: lower v0 by just enough to lose one
        u(ρ) ≥ threshold, n < ρ     one too few: raise v0 by just enough to gain one
    then the warm-up once more, for the next layer to correct itself by, and T steps of the window from v0.

How much is just enough: with S_t = v0 + Σ_{i≤t} I_i in thresholds, a neuron emits at least k spikes if and only if
there are steps t_1 < … < t_k with S_{t_j} ≥ j. So k spikes tolerate a shift of v0 down by at most

    D_k = max over t_1 < … < t_k of min_j (S_{t_j} − j)
To lose one of n spikes, go down by a little more than D_n; to gain one, up by a little more than −D_{n+1}.

Source: Hao et al. 2023 (COS, "Bridging the gap between ANNs and SNNs by calibrating offset spikes"). Differs:
D_k is worked out exactly, where the paper bounds it.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from spikewright.code import Code
from spikewright.errors import BadPlan, BadSetting
from spikewright.neurons import Law
from spikewright.schedules import Drive
from spikewright.schedules.lockstep import require_fit, steps

MARGIN = 1e-3  # "a little more", in thresholds: beyond what rounding can undo


@dataclass(frozen=True, slots=True)
class Corrected:
    """Lockstep with an initial potential that its code's warm-up steps correct.

    Attributes:
        rounds: how often the warm-up is replayed to correct v0, 1 or more.
    """

    rounds: int = 1
    kind: Literal["corrected"] = "corrected"

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise BadSetting(f"corrected firing needs at least 1 round, got {self.rounds}")

    @property
    def waits(self) -> bool:
        """It fires as currents arrive."""
        return False

    @property
    def warms_up(self) -> bool:
        """The warm-up is what it corrects by."""
        return True

    def replayed_steps(self, code: Code) -> int:
        """Each round but the last replays the warm-up unseen; the paper counts one round's ρ steps as latency."""
        return (self.rounds - 1) * code.warmup

    def run(self, law: Law, drive: Drive, code: Code) -> Tensor:
        """[ρ + T, N, *] currents → [ρ + T, N, *] spikes."""
        require_fit(drive, code)
        if not code.warmup:
            raise BadPlan("corrected firing needs a code with warm-up steps: choose at least 1")
        warm_up = range(code.warmup)
        initial = drive.initial.expand_as(drive.currents[0])
        for _ in range(self.rounds):
            replay = list(steps(law, law.init(initial, drive.currents[0]), drive, code, warm_up))
            count = torch.stack([spikes for _, spikes in replay]).sum(0)
            initial = initial + self._correction(replay[-1][0].potential, count, initial, drive, code)
        start = law.init(initial, drive.currents[0])
        train = [spikes for _, spikes in steps(law, start, drive, code, warm_up)]
        train += [spikes for _, spikes in steps(law, start, drive, code, range(code.warmup, code.steps))]
        return torch.stack(train)

    @staticmethod
    def _correction(left: Tensor, count: Tensor, initial: Tensor, drive: Drive, code: Code) -> Tensor:
        currents = drive.currents[: code.warmup]
        if drive.bias is not None:
            currents = currents + drive.bias / code.timesteps
        reached = (initial + currents.cumsum(0)) / drive.threshold
        tolerances = _tolerances(reached)
        many = (left < 0) & (count > 0)
        few = (left >= drive.threshold) & (count < code.warmup)
        spikes = (count + few).clamp(0, code.warmup).long().unsqueeze(0)
        tolerance = tolerances.gather(0, spikes).squeeze(0)
        shift = torch.where(many, -tolerance - MARGIN, torch.where(few, -tolerance + MARGIN, 0.0))
        return shift * drive.threshold


def _tolerances(reached: Tensor) -> Tensor:
    """D_0 … D_ρ, [ρ + 1, N, *], from S [ρ, N, *] in thresholds; D_0 is 0, as no spike is to lose."""
    length = len(reached)
    before = [torch.full_like(reached[0], float("inf"))] * length  # of k − 1 spikes within the first t steps
    found = [torch.zeros_like(reached[0])]
    for spikes in range(1, length + 1):
        best = torch.full_like(reached[0], float("-inf"))
        after = []
        for step in range(length):
            earlier = before[step - 1] if step else (before[0] if spikes == 1 else torch.full_like(best, float("-inf")))
            best = torch.maximum(best, torch.minimum(earlier, reached[step] - spikes))
            after.append(best)
        found.append(best)
        before = after
    return torch.stack(found)
