"""The tables of fault campaigns: everything the charts show, and what they leave out, as text.

Accuracies are in percent, what is lost in points; the first cell of a row has the mark of its network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spikewright.app.pages.campaign import OUTCOMES, Campaign, Stratum
from spikewright.app.pages.candidates import Candidate, Hardening, front
from spikewright.app.pages.wording import NOTHING, energy_unit, percent, points, three_digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a page.

    Attributes:
        title: its heading.
        head: names of the columns.
        rows: the number of the network whose mark it gets (None: none), and a text a column.
        note: a sentence below the heading.
        wraps: its cells may take several lines.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[int | None, tuple[str, ...]], ...]
    note: str = ""
    wraps: bool = False


def tables(found: Sequence[Campaign]) -> list[Table]:
    """Whole campaigns, parts of networks, what became of the images, how it was measured: as far as the file says."""
    rows = [(one, one.whole) for one in found if one.whole is not None]
    parts = [(one, row) for one in found for row in one.strata]
    counted = [(one, row) for one, row in [*rows, *parts] if row.outcomes]
    made = [_campaigns(found, rows), _parts(found, parts), _outcomes(found, counted), _measured(found)]
    return [table for table in made if table.rows]


def _campaigns(found: Sequence[Campaign], rows: Sequence[tuple[Campaign, Stratum]]) -> Table:
    compared = any(one.verdict is not None for one in found)
    cells = [
        (
            percent(row.accuracy_golden), *_figures(row), f"{one.images:,}",
            *((NOTHING if one.verdict is None else one.verdict.found,) if compared else ()),
        )
        for one, row in rows
    ]  # fmt: skip
    head = ("Without faults", *_head(found), "Images", *(("Verdict",) if compared else ()))
    note = ""
    if any(one.strata for one, _ in rows):
        note = "Where one part at a time was struck: the mean of the parts, each counting alike, and all their maps."
    return _of_rows(found, rows, cells, title="Campaigns", head=head, note=note)


def _parts(found: Sequence[Campaign], parts: Sequence[tuple[Campaign, Stratum]]) -> Table:
    faulty = any(row.hits is not None for _, row in parts)
    cells = [(*_figures(row), *((three_digits(row.hits),) if faulty else ())) for _, row in parts]
    head = (*_head(found), *(("Struck a map",) if faulty else ()))
    return _of_rows(found, parts, cells, title="Layers, bits and channels", head=head)


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
                one.verdict or (NOTHING if one.passes is None else "passes" if one.passes else "refused"),
                "yes" if one in best else "",
            ),
        )
        for one in found
    ]  # fmt: skip
    head = ("Candidate", "Accuracy", f"Energy per sample ({unit})", "Reliability (interval)", "Gates", "On the front")
    note = "On the front: no other candidate is as good in accuracy, reliability and energy, and better in one."
    if not any(one.stands for one in found):
        note += " None passes the gates, so the front is of all." if best else " None passes the gates."
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


def _outcomes(found: Sequence[Campaign], counted: Sequence[tuple[Campaign, Stratum]]) -> Table:
    kinds = [kind for kind in OUTCOMES if any(kind in row.outcomes for _, row in counted)]
    cells = [tuple(percent(row.outcomes.get(kind)) for kind in kinds) for _, row in counted]
    head = tuple("DUE" if kind == "due" else kind.capitalize() for kind in kinds)
    note = (
        "Share of all pairs of a fault map and an image. Masked: the output is the same to the bit. Critical: the "
        "class is another one than without faults. Harmful: right before, wrong now; healed: the reverse. DUE: the "
        "output is not finite."
    )
    return _of_rows(found, counted, cells, title="What became of the images", head=head, note=note)


MEASURED = (  # key of the file, and what its column is called
    ("seed", "Seed"),
    ("interval", "Interval"),
    ("planned_maps", "Maps planned"),
    ("precision", "To ± points"),
    ("weights_stored", "Stored weights"),
    ("quantisation", "Weights"),
    ("arithmetic", "Arithmetic"),
    ("split", "Split"),
    ("data", "Data"),
    ("ties", "Ties without faults"),
    ("silent", "Silent without faults"),
    ("campaign", "Campaign"),
)


def _measured(found: Sequence[Campaign]) -> Table:
    """What of `MEASURED` the file says, a row a campaign; columns that none has are left out."""
    known = [(key, name) for key, name in MEASURED if any(one.raw.get(key) is not None for one in found)]
    if all(one.stored for one in found):  # which says it layer by layer
        known = [pair for pair in known if pair[0] != "quantisation"]
    networks = list(dict.fromkeys(one.network for one in found))
    rows = [
        (
            networks.index(one.network),
            (one.network, one.tick, one.place, *(_plain(key, one.raw.get(key)) for key, _ in known)),
        )
        for one in (found if known else ())
    ]
    head = ("Network", _rate(found), "Faults in", *(name for _, name in known))
    note = "A fault map is a pure function of the seed, the part that is struck, and the map's number from 0 on."
    return Table(title="How it was measured", head=head, rows=tuple(rows), note=note, wraps=True)


def _plain(key: str, value: Any) -> str:
    if value is None:
        return NOTHING
    if key == "precision" and isinstance(value, float):
        return f"{100 * value:g}"
    if key == "quantisation" and isinstance(value, Mapping):
        scale = "a scale a channel" if value.get("per_channel") else "one scale a tensor"
        return f"{value.get('bits', NOTHING)} bits, {scale}"
    return str(value)


def _of_rows(
    found: Sequence[Campaign],
    rows: Sequence[tuple[Campaign, Stratum]],
    cells: Sequence[tuple[str, ...]],
    *,
    title: str,
    head: tuple[str, ...],
    note: str = "",
) -> Table:
    """A table whose rows begin with network, rate and place; the kind of fault too, where they differ."""
    networks = list(dict.fromkeys(one.network for one in found))
    faults = len({one.fault for one in found}) > 1
    firsts = [
        (
            one.network, one.tick, *((one.fault or NOTHING,) if faults else ()),
            one.place if row is one.whole else row.place,
        )
        for one, row in rows
    ]  # fmt: skip
    made = tuple(
        (networks.index(one.network), (*first, *more))
        for (one, _), first, more in zip(rows, firsts, cells, strict=True)
    )
    start = ("Network", _rate(found), *(("Fault",) if faults else ()), "Faults in")
    return Table(title=title, head=(*start, *head), rows=made, note=note)


def _rate(found: Sequence[Campaign]) -> str:
    return "BER" if all(one.is_ber for one in found) else "Rate"


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
