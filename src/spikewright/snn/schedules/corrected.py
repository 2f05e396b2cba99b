"""Corrected lockstep: replay a warm-up and move v0 until the number of spikes fits, then run the window.

    a round: ρ lockstep steps on the warm-up's currents; with n spikes, what is left is u = v0 + Σ I − n · threshold
        u < 0 and n > 0             one spike too many: lower v0 by just enough to lose one
        u ≥ threshold and n < ρ     one too few: raise v0 by just enough to gain one
    then the warm-up once more, for the next layer to correct itself by, and T steps of the window from there.
The v0 that u is measured from stays the stage's own, whatever earlier rounds moved: so each round brings the count
one closer to clip(⌊(v0 + Σ I)/threshold⌋, 0, ρ), and enough of them make it equal.

How much is just enough: with S_t = v0 + Σ_{i≤t} I_i in thresholds, a neuron emits at least k spikes if and only if
there are steps t_1 < … < t_k with S_{t_j} ≥ j. So k spikes tolerate a shift of v0 down by at most

    D_k = max over t_1 < … < t_k of min_j (S_{t_j} − j)
To lose one of n spikes, v0 starts a little lower than v0 − D_n; to gain one, a little higher than v0 − D_{n+1}. As
D_k ≤ D_{k−1} − 1, that is one spike and not two.

Source: Hao et al. 2023 (COS, "Bridging the gap between ANNs and SNNs by calibrating offset spikes"). Differs:
D_k is worked out exactly, where the paper bounds it.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.errors import BadPlan, BadSetting
from spikewright.snn.code import Code
from spikewright.snn.neurons import Dynamics
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.lockstep import require_fit, steps

MARGIN = 1e-3  # "a little more", in thresholds: beyond what rounding can undo


@dataclass(frozen=True, slots=True)
class Corrected:
    """Lockstep with an initial potential that its code's warm-up steps correct.

    Attributes:
        rounds: how often the warm-up is replayed to correct v0, 1 or more.
    """

    rounds: int = 1
    kind: Literal["corrected"] = "corrected"
    waits: ClassVar[bool] = False  # it fires as currents arrive
    clocked: ClassVar[bool] = False
    needs_soft_reset: ClassVar[bool] = True
    collapses: ClassVar[bool] = False
    warms_up: ClassVar[bool] = True  # the warm-up is what it corrects by

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise BadSetting(f"corrected firing needs at least 1 round, got {self.rounds}")

    @property
    def advance(self) -> None:
        """Its warm-up is replayed before its window."""
        return

    def replayed_steps(self, code: Code) -> int:
        """ρ for each round but the first: as the paper counts, one round and the warm-up that the train shows are one.

        In truth they are two, as a layer can show the next one a corrected warm-up only after it has judged its own.
        """
        return (self.rounds - 1) * code.warmup

    def run(self, law: Dynamics, drive: Drive, code: Code) -> Tensor:
        """[ρ + T, N, *] currents → [ρ + T, N, *] spikes."""
        require_fit(drive, code)
        if not code.warmup:
            raise BadPlan("corrected firing needs a code with warm-up steps: choose at least 1")
        warm_up, window = range(code.warmup), range(code.warmup, code.steps)
        reached = _reached(drive, code)
        tolerances = _tolerances(reached)
        shift = torch.zeros_like(reached[0])
        for _ in range(self.rounds):
            start = law.init(drive.initial + shift * drive.threshold, drive.currents[0])
            count = torch.stack([spikes for _, spikes in steps(law, start, drive, code, warm_up)]).sum(0)
            shift = _corrected(shift, tolerances, reached[-1] - count, count)
        start = law.init(drive.initial + shift * drive.threshold, drive.currents[0])
        train = [spikes for _, spikes in steps(law, start, drive, code, warm_up)]
        train += [spikes for _, spikes in steps(law, start, drive, code, window)]
        return torch.stack(train)


def _reached(drive: Drive, code: Code) -> Tensor:
    """S [ρ, N, *], in thresholds: the running total of the warm-up with nothing fired."""
    currents = drive.currents[: code.warmup]
    missing = (0, 0) * (currents.dim() - 1) + (0, code.warmup - len(currents))
    currents = F.pad(currents, missing)
    if drive.bias is not None:
        currents = currents + drive.bias / code.timesteps
    return (drive.initial + currents.cumsum(0)) / drive.threshold


def _corrected(shift: Tensor, tolerances: Tensor, left: Tensor, count: Tensor) -> Tensor:
    """The shift of v0, in thresholds, that takes the count one closer to what leaves a potential in [0, 1)."""
    many = (left < 0) & (count > 0)
    few = (left >= 1) & (count < len(tolerances) - 1)
    tolerance = tolerances.gather(0, (count + few).long().unsqueeze(0)).squeeze(0)
    return torch.where(many, -tolerance - MARGIN, torch.where(few, -tolerance + MARGIN, shift))


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
