"""How fault campaigns look in a terminal: a curve, or the parts of a network, with intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spikewright.app.cli.console import console, counted, table

if TYPE_CHECKING:
    from spikewright.app.runs.inject import Found
    from spikewright.reliability.campaign.hardening import Hints

_FEW_MAPS = 100


def show(title: str, found: "Sequence[Found]") -> None:
    """Print one table for all campaigns, and a line for each verdict."""
    first = found[0].injection
    several = len(found) > 1
    columns = ("rate", "part", "accuracy", "95 %", "worst map", "reliability", "95 %", "maps")
    rows = [
        (
            _rate(each), row.stratum, f"{row.accuracy_mean:.2%}",
            f"{row.accuracy.low:.2%} – {row.accuracy.high:.2%}", f"{float(row.accuracies.min()):.2%}",
            *_reliability(row.accuracy_mean, row.accuracy.low, row.accuracy.high, first.accuracy_golden), row.maps,
        )
        for each in found
        for row in each.injection.rows
    ]  # fmt: skip
    if not several:
        columns, rows = columns[1:], [row[1:] for row in rows]
    kind = first.settings.fault.kind.replace("_", " ")
    at = _rate(found[0])
    rate = "" if several or at == "—" else f", {at}"
    console.print(
        table(
            f"{title}: {kind}{rate}; {first.accuracy_golden:.2%} without faults, {counted(first.images, 'image')}, "
            f"{first.weight_bits}-bit weights, {counted(first.bits_total, 'bit')}",
            columns,
            rows,
            numbers=2 if several else 1,
        )
    )
    if first.silent:
        console.print(f"warning: {counted(first.silent, 'image')} with no output at all, even without faults")
    if any(row.maps < _FEW_MAPS for each in found for row in each.injection.rows):
        console.print(f"fewer than {_FEW_MAPS} maps a part: take the intervals as a first impression")
    for each in found:
        if each.hints is not None:
            _show_hints(each.hints)
        if each.verdict is not None and each.against is not None:
            against = each.against.rows[0].accuracy_mean
            console.print(
                f"against {against:.2%}{f' at {_rate(each)}' if several else ''}: {each.verdict.verdict.value}, "
                f"{100 * (each.difference or 0.0):+.2f} points, {each.verdict.reason}"
            )


def _show_hints(hints: "Hints") -> None:
    """Print what matters most, and what each alternative buys."""
    from spikewright.reliability.campaign.hardening import most_critical

    for what, campaign in (("layers", hints.layers), ("bits", hints.bits)):
        rows = {row.stratum: row for row in campaign.rows}
        named = [f"{name} ({rows[name].accuracy_mean:.2%})" for name in most_critical(campaign)]
        console.print(
            f"{what} whose faults cost most, struck alone: {', '.join(named) or 'none shown to cost anything'}"
        )
    columns = ("alternative", "without faults", "accuracy", "better by", "95 %", "extra memory")
    cells = [
        (
            each.name, f"{each.accuracy_golden:.2%}", f"{each.accuracy_mean:.2%}", f"{100 * each.difference:+.2f}",
            f"{100 * each.interval.low:+.2f} … {100 * each.interval.high:+.2f} points",
            "another network" if each.extra_bits is None else f"{each.extra_bits / 8:,.0f} bytes",
        )
        for each in hints.alternatives
    ]  # fmt: skip
    console.print(table("what hardening would buy, on the same fault maps", columns, cells, numbers=1))


def _rate(found: "Found") -> str:
    fault = found.injection.settings.fault
    settings = [name for name in ("ber", "rate", "spread", "noise", "count") if getattr(fault, name, None) is not None]
    return ", ".join(f"{name} {getattr(fault, name):g}" for name in settings) or "—"


def _reliability(mean: float, low: float, high: float, golden: float) -> tuple[str, str]:
    if not golden:
        return "—", "—"
    return f"{mean / golden:.4f}", f"{low / golden:.4f} – {high / golden:.4f}"
