"""The tables of fault campaigns: everything the charts show, and what they leave out, as text.

Accuracies are in percent, what is lost in points; the first cell of a row has the mark of its network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spikewright.report.campaign import OUTCOMES, Campaign, Stratum
from spikewright.report.candidates import Candidate, Hardening, front
from spikewright.report.wording import NOTHING, bit_error_rate, energy_unit, percent, points, three_digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a page.

    Attributes:
        title: its heading.
        head: names of the columns.
        rows: the number of the network whose mark it gets (None: none), and a text a column.
        note: a sentence below the heading.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[int | None, tuple[str, ...]], ...]
    note: str = ""


def tables(found: Sequence[Campaign]) -> list[Table]:
    """Whole campaigns; strata; what became of the images, where the file counts that."""
    networks = list(dict.fromkeys(one.network for one in found))
    whole = [(one, one.whole) for one in found if one.whole is not None]
    strata = [(one, row) for one in found for row in one.strata]
    made = []
    judged = any(one.verdict is not None for one in found)
    if whole:
        last = ("Images", "Verdict") if judged else ("Images",)
        head = ("Network", "BER", "Faults in", "Without faults", *_head(found), *last)
        rows = [
            (
                networks.index(one.network),
                (
                    one.network, bit_error_rate(one.ber), _place(one), percent(row.accuracy_golden), *_figures(row),
                    f"{one.images:,}", *((NOTHING if one.verdict is None else one.verdict.found,) if judged else ()),
                ),
            )
            for one, row in whole
        ]  # fmt: skip
        made.append(Table(title="Campaigns", head=head, rows=tuple(rows)))
    if strata:
        rows = [
            (networks.index(one.network), (one.network, bit_error_rate(one.ber), row.short, *_figures(row)))
            for one, row in strata
        ]
        head = ("Network", "BER", "Faults in", *_head(found))
        made.append(Table(title="Layers, bits and channels", head=head, rows=tuple(rows)))
    counted = [(one, row) for one, row in [*whole, *strata] if row.outcomes]
    if counted:
        made.append(_outcomes(counted, networks))
    return made


def table_of_candidates(found: Sequence[Candidate]) -> Table:
    """Every candidate of a search; those on the front say so."""
    scale, unit = energy_unit(one.energy_joules for one in found)
    best = front(found)
    rows = [
        (
            None,
            (
                one.name, percent(one.accuracy),
                three_digits(None if one.energy_joules is None else one.energy_joules / scale),
                _within(one.reliability_mean, one.reliability_low, one.reliability_high),
                NOTHING if one.passes is None else "passes" if one.passes else "refused", "yes" if one in best else "",
            ),
        )
        for one in found
    ]  # fmt: skip
    head = ("Candidate", "Accuracy", f"Energy per sample ({unit})", "Reliability (interval)", "Gates", "On the front")
    note = "On the front: no other candidate is as good in accuracy, reliability and energy, and better in one."
    if not any(one.stands for one in found):
        note += " None passes the gates, so the front is of all."
    return Table(title="Candidates", head=head, rows=tuple(rows), note=note)


def table_of_hardening(found: Mapping[str, Sequence[Hardening]]) -> Table:
    """Alternatives by network, with what they change and cost."""
    rows = [
        (
            None,
            (
                one.name, network, percent(one.accuracy_mean), points(one.difference),
                NOTHING if one.low is None else f"{points(one.low)} to {points(one.high)}",
                NOTHING if one.extra_bits is None else f"{one.extra_bits:,}",
            ),
        )
        for network, alternatives in found.items()
        for one in alternatives
    ]  # fmt: skip
    head = ("Alternative", "Network", "Mean under faults", "Difference (points)", "Interval", "Extra bits")
    return Table(title="Hardening", head=head, rows=tuple(rows))


def _outcomes(counted: Sequence[tuple[Campaign, Stratum]], networks: Sequence[str]) -> Table:
    kinds = [kind for kind in OUTCOMES if any(kind in row.outcomes for _, row in counted)]
    rows = [
        (
            networks.index(one.network),
            (
                one.network, bit_error_rate(one.ber), _place(one) if row.name == "model" else row.short,
                *(percent(row.outcomes.get(kind)) for kind in kinds),
            ),
        )
        for one, row in counted
    ]  # fmt: skip
    note = (
        "Share of all pairs of a fault map and an image. Masked: the output is the same to the bit. Critical: the "
        "class is another one than without faults. Harmful: right before, wrong now; healed: the reverse. DUE: the "
        "output is not finite."
    )
    head = ("Network", "BER", "Faults in", *("DUE" if kind == "due" else kind.capitalize() for kind in kinds))
    return Table(title="What became of the images", head=head, rows=tuple(rows), note=note)


def _head(found: Sequence[Campaign]) -> list[str]:
    levels = sorted({f"{one.level:.0%}" for one in found})
    interval = f"({levels[0]} interval)" if len(levels) == 1 else "(interval)"
    return [f"Mean {interval}", "Lost (points)", "Worst map", "5% quantile", f"Reliability {interval}", "Maps"]


def _figures(row: Stratum) -> list[str]:
    return [
        _within(row.accuracy_mean, row.accuracy_low, row.accuracy_high),
        points(row.lost).removeprefix("+"),
        percent(row.accuracy_worst),
        percent(row.accuracy_q05),
        _within(row.reliability_mean, row.reliability_low, row.reliability_high),
        f"{row.maps:,}",
    ]


def _within(mean: float | None, low: float | None, high: float | None) -> str:
    """81.50% (80.78 to 82.22)."""
    return percent(mean) if low is None else f"{percent(mean)} ({percent(low)[:-1]} to {percent(high)[:-1]})"


def _place(one: Campaign) -> str:
    chosen = [f"layer {one.layer}" if one.layer else "", f"bit {one.bit}" if one.bit is not None else ""]
    return ", ".join(text for text in chosen if text) or (
        "whole network" if one.scope == "model" else f"each {one.scope}"
    )
