"""Verdicts of a campaign as its page shows them: against another network, and on what was required of this one.

Read from `verdict`, `against` and `requirements` of what `spikewright inject --json` writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spikewright.app.pages.fields import Fields
from spikewright.errors import BadData

VERDICTS = ("PASS", "FAIL", "UNDECIDED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a campaign against another network decided; all but `found` may be unknown.

    Attributes:
        found: "PASS", "FAIL" or "UNDECIDED", of all that was asked.
        other: the name of the other network, margin and way, in words; "" where there is none or the file is silent.
        against: the verdict against it; "" where it is the one of all.
        required: a sentence for each requirement.
        accuracy: mean of the other network under the same faults, a share.
        difference: mean of the paired differences, as a share; `low` and `high` are where it lies.
        reason: what it rests on, in words.
    """

    found: str
    other: str
    against: str
    required: tuple[str, ...]
    accuracy: float | None
    difference: float | None
    low: float | None
    high: float | None
    reason: str


def verdict_of(raw: Mapping[str, Any], what: str, way_out: str) -> Verdict | None:
    """A word, what it rests on under `against`, and the requirements; None where nothing was decided.

    Raises:
        BadData: a figure cannot be.
    """
    found = Fields(raw=raw, what=what, way_out=way_out).text("verdict").upper()
    if not found:
        return None
    if found not in VERDICTS:
        raise BadData(f"{what} has verdict {found!r}, not one of {', '.join(VERDICTS)}: {way_out}")
    against = raw.get("against")
    fields = Fields(raw={} if against is None else against, what=f"what {what} is compared with", way_out=way_out)
    difference, low, high = (
        fields.maybe_number(f"difference_{end}", least=-1.0, most=1.0) for end in ("mean", "low", "high")
    )
    return Verdict(
        found=found,
        other=_other(fields),
        against=fields.text("verdict").upper(),
        required=tuple(
            _required(one, what, way_out) for one in Fields(raw=raw, what=what, way_out=way_out).items("requirements")
        ),
        accuracy=fields.maybe_number("accuracy_mean", most=1.0),
        difference=difference,
        low=low,
        high=high,
        reason=fields.text("reason"),
    )


def _other(against: Fields) -> str:
    """'ann (source), margin 1 points, decided the normal way'."""
    if not (name := against.text("name")):
        return ""
    margin, of, way = against.maybe_number("margin"), against.text("of"), against.text("way")
    return (
        name
        + (f" ({of})" if of else "")
        + ("" if margin is None else f", margin {100 * margin:g} points")
        + (f", decided the {way} way" if way else "")
    )


def _required(raw: Any, what: str, way_out: str) -> str:
    fields = Fields(raw=raw, what=f"a requirement of {what}", way_out=way_out)
    part, way = fields.text("stratum", "model"), fields.text("way")
    where = "" if part == "model" else f" in {part}"
    return (
        f"{fields.text('requirement')}{where}: {fields.text('verdict')}, {fields.text('reason')}"
        f"{f' ({way} way)' if way else ''}"
    )
