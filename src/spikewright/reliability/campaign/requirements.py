"""Absolute requirements on a network under faults, decided as gates are: PASS, FAIL or UNDECIDED.

    mean over maps of (accuracy − reference)  ≥  −margin
    LeastAccuracy     reference: the share asked for              margin 0
    LeastReliability  reference: that share of the fault-free accuracy
    MostLoss          reference: the fault-free accuracy          margin: the share that may be lost
The fault-free accuracy is a constant of the images at hand. Where several have to hold at once, each at its own level
is enough: all of them are passed wrongly no more often than one is (an intersection–union test).

Source: Berger 1982 for tests of several requirements at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from spikewright.errors import BadSetting
from spikewright.measure.statistics.decisions import Decision, Verdict, Way
from spikewright.reliability.campaign.rows import Row


class Requirement(Protocol):
    """What the mean accuracy under faults has to reach."""

    @property
    def words(self) -> str:
        """In words."""
        ...

    @property
    def margin(self) -> float:
        """A share by which the mean may lie below the reference."""
        ...

    def reference(self, golden: float) -> float:
        """What accuracies are compared with, a share, where `golden` is the fault-free one."""
        ...


@dataclass(frozen=True, slots=True)
class LeastAccuracy:
    """The mean accuracy is at least this share.

    Raises:
        BadSetting: a share outside (0, 1].
    """

    share: float

    def __post_init__(self) -> None:
        _require_share("accuracy", self.share)

    @property
    def words(self) -> str:
        """In words."""
        return f"accuracy at least {100 * self.share:g} %"

    @property
    def margin(self) -> float:
        """None."""
        return 0.0

    def reference(self, golden: float) -> float:  # noqa: ARG002
        """The share itself."""
        return self.share


@dataclass(frozen=True, slots=True)
class LeastReliability:
    """The mean accuracy is at least this share of the fault-free one.

    Raises:
        BadSetting: a share outside (0, 1].
    """

    share: float

    def __post_init__(self) -> None:
        _require_share("reliability", self.share)

    @property
    def words(self) -> str:
        """In words."""
        return f"reliability at least {self.share:g}"

    @property
    def margin(self) -> float:
        """None."""
        return 0.0

    def reference(self, golden: float) -> float:
        """That share of the fault-free accuracy."""
        return self.share * golden


@dataclass(frozen=True, slots=True)
class MostLoss:
    """The mean accuracy is at most this share below the fault-free one.

    Raises:
        BadSetting: a share outside [0, 1).
    """

    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise BadSetting(f"a loss of {100 * self.share:g} points cannot be required: give 0 or more, and below 100")

    @property
    def words(self) -> str:
        """In words."""
        return f"at most {100 * self.share:g} points lost"

    @property
    def margin(self) -> float:
        """What may be lost."""
        return self.share

    def reference(self, golden: float) -> float:
        """The fault-free accuracy."""
        return golden


def _require_share(what: str, share: float) -> None:
    if not 0 < share <= 1:
        raise BadSetting(f"a required {what} of {share:g} cannot be: give a share above 0, and 1 at most, as 0.9")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What has to hold, and how that is decided.

    Attributes:
        all_of: each of them, in every part that is struck.
        way: as of gates.
        cap: maps at which what is undecided counts as not shown; part of the plan.
        level: 1 − α of each.
    """

    all_of: tuple[Requirement, ...]
    way: Way
    cap: int
    level: float

    def of(self, rows: Sequence[Row]) -> tuple["Met", ...]:
        """Whether each holds, part by part."""
        return tuple(self._met(requirement, row) for row in rows for requirement in self.all_of)

    def _met(self, requirement: Requirement, row: Row) -> "Met":
        reference = requirement.reference(row.accuracy_golden)
        decision = self.way.decide(
            row.accuracies - reference, margin=requirement.margin, level=self.level, cap=self.cap
        )
        return Met(requirement, row.stratum, max(reference - requirement.margin, 0.0), reference, decision)


@dataclass(frozen=True, slots=True)
class Met:
    """Whether a requirement holds in one part.

    Attributes:
        requirement: which.
        stratum: the part.
        least: the mean accuracy that it asks for, a share.
        reference: what the decision's ends are differences from.
        decision: the verdict and what it rests on.
    """

    requirement: Requirement
    stratum: str
    least: float
    reference: float
    decision: Decision

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data; `low` and `high` are where the mean accuracy lies."""
        low, high = (min(max(self.reference + end, 0.0), 1.0) for end in (self.decision.low, self.decision.high))
        return {
            "requirement": self.requirement.words,
            "stratum": self.stratum,
            "accuracy_least": self.least,
            "verdict": self.decision.verdict.value,
            "low": low,
            "high": high,
            "maps": self.decision.maps,
            "reason": self.decision.reason,
        }


def together(verdicts: Sequence[Verdict]) -> Verdict | None:
    """FAIL where one fails, else UNDECIDED where one is, else PASS; None of none."""
    for found in (Verdict.FAIL, Verdict.UNDECIDED, Verdict.PASS):
        if found in verdicts:
            return found
    return None
