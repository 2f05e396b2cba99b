"""The code of a spike train: value = unit · Σ_t w[t] · s[t], s[t] ∈ {0, 1}.

A `Code` holds the integer step weights w only; the unit is a real number and lives beside the weights, so
that integers stay integers. Rate code: (1, …, 1); bit planes: (2^(T−1), …, 2, 1); a graded value: (1,).
Knows nothing about tensors.

Source: the two codes are those of "When SNN meets ANN" (Eq. 9–10, most significant step first, which the
paper prints the other way round) and of QCFS; the legality rule is this library's (docs/concepts.md).
"""

from dataclasses import dataclass
from typing import Self

from spikewright.errors import BadPlan, BadSetting


@dataclass(frozen=True, slots=True)
class Code:
    """Integer step weights of a spike train, first step first.

    `warmup` steps come before the window: they carry spikes, which arrive and cost, and are not decoded.

    A code is legal if greedy firing (at each step spend w[t] where it still fits) reaches every integer
    level 0..Σw exactly, which holds if and only if each weight is at most one more than the sum of the
    later ones. So (4, 2, 1) is legal and (4, 1) and (1, 2, 4) are not.

    Raises:
        BadPlan: no weights, a weight below 1, a weight that breaks the rule, or a warm-up that is negative or
            comes before spikes of different worth.
    """

    step_weights: tuple[int, ...]
    warmup: int = 0

    def __post_init__(self) -> None:
        if self.warmup < 0:
            raise BadPlan(f"a code's warm-up must be at least 0 steps, got {self.warmup}")
        if not self.step_weights:
            raise BadPlan("a code needs at least one step weight, got none: use rate(T) or bit_planes(T)")
        later = 0
        for step in range(len(self.step_weights) - 1, -1, -1):
            weight = self.step_weights[step]
            if weight < 1:
                raise BadPlan(f"code {self.step_weights}: step weight {weight} at step {step} is below 1")
            if weight > 1 + later:
                raise BadPlan(
                    f"code {self.step_weights} is illegal: weight {weight} at step {step} is above "
                    f"1 + {later}, the sum of the later ones, so some levels cannot be reached; "
                    "order the weights from large to small and fill the gap"
                )
            later += weight
        if self.warmup and not self.is_rate:
            raise BadPlan(f"code {self.step_weights}: warm-up steps need a rate code, as no weight is theirs")

    @property
    def timesteps(self) -> int:
        """T, the number of steps."""
        return len(self.step_weights)

    @property
    def steps(self) -> int:
        """Length of the train: the window and the warm-up before it."""
        return self.warmup + self.timesteps

    @property
    def is_rate(self) -> bool:
        """Whether every spike is worth one unit."""
        return set(self.step_weights) == {1}

    @property
    def levels(self) -> int:
        """The largest code Σw: a neuron emits one of levels + 1 values."""
        return sum(self.step_weights)

    @classmethod
    def rate(cls, timesteps: int, *, warmup: int = 0) -> Self:
        """Every spike is worth one unit; T steps give T + 1 values."""
        return cls((1,) * _positive(timesteps), warmup)

    @classmethod
    def bit_planes(cls, timesteps: int) -> Self:
        """Spikes are the bits of an integer, most significant first; T steps give 2^T values."""
        return cls(tuple(2**step for step in reversed(range(_positive(timesteps)))))

    @classmethod
    def for_levels(cls, levels: int) -> Self:
        """The shortest legal code with exactly `levels` levels, such as (8, 4, 2, 1, 1) for 16."""
        if levels < 1:
            raise BadSetting(f"levels must be at least 1, got {levels}")
        bits = (levels + 1).bit_length() - 1
        weights = list(cls.bit_planes(bits).step_weights)
        rest = levels - sum(weights)
        if rest:
            weights.append(rest)
        return cls(tuple(sorted(weights, reverse=True)))


def _positive(timesteps: int) -> int:
    if isinstance(timesteps, bool) or timesteps < 1:
        raise BadSetting(f"timesteps must be a whole number of at least 1, got {timesteps}")
    return timesteps
