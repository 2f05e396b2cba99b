"""How fault campaigns look in a terminal: a curve, or the parts of a network, with intervals."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from spikewright.app.cli.console import console, counted, table

if TYPE_CHECKING:
    from spikewright.app.runs.campaign_result import Found
    from spikewright.app.runs.replay import ReplayResult
    from spikewright.reliability.campaign.hardening import Hints
    from spikewright.reliability.campaign.settings import Injection
    from spikewright.reliability.faults import Fault

MOST_FLIPS = 40  # lines of a terminal; a file has all of them
RATES = ("ber", "rate", "spread", "noise", "count")


def show(title: str, found: "Sequence[Found]") -> None:
    """Print one table for all campaigns, what to be careful of, and a line for each verdict."""
    from spikewright.reliability.campaign.cautions import cautions
    from spikewright.reliability.campaign.storage import in_words

    first = found[0].injection
    several = len(found) > 1
    columns = ("rate", "part", "accuracy", "95 %", "worst map", "reliability", "95 %", "maps")
    rows = [
        (
            _rate(each), row.stratum, f"{row.accuracy_mean:.2%}",
            f"{row.accuracy.low:.2%} – {row.accuracy.high:.2%}",
            f"{float(row.accuracies.min()):.2%} (#{row.worst_map})",
            *_reliability(row.accuracy_mean, row.accuracy.low, row.accuracy.high, first.accuracy_golden), row.maps,
        )
        for each in found
        for row in each.injection.rows
    ]  # fmt: skip
    if not several:
        columns, rows = columns[1:], [row[1:] for row in rows]
    console.print(
        table(
            f"{title}: {headline(found[0], rate=not several)}; {first.accuracy_golden:.2%} without faults, "
            f"{counted(first.images, 'image')}, {_bits(first)} weights, {counted(first.bits_total, 'bit')}",
            columns,
            rows,
            numbers=2 if several else 1,
        )
    )
    console.print(f"stored weights: {in_words(first.storage)}")
    for line in dict.fromkeys(line for each in found for line in cautions(each.injection)):
        console.print(f"warning: {line}")
    for each in found:
        if each.hints is not None:
            _show_hints(each.hints)
        _show_verdicts(each, several=several)
    if any(row.maps > 1 for each in found for row in each.injection.rows):
        console.print("worst map (#): the same command with --replay and its number lists what it changed")


def _show_verdicts(found: "Found", *, several: bool) -> None:
    """Print a line for what was required and for what was compared with."""
    at = f" at {_rate(found)}" if several else ""
    for met in found.met:
        part = "" if met.stratum == "model" else f" in {met.stratum}"
        decision = met.decision
        console.print(f"{met.requirement.words}{at}{part}: {decision.verdict.value}, {decision.reason}")
    against = found.compared
    if against is not None:
        console.print(
            f"against {against.traced.run} ({against.traced.of}), {against.injection.rows[0].accuracy_mean:.2%}{at}: "
            f"{against.decision.verdict.value}, {100 * against.difference:+.2f} points, {against.decision.reason}"
        )


def show_replay(title: str, result: "ReplayResult") -> None:
    """Print what one map changed, bit by bit, and what that did."""
    found = result.found
    rows = [
        (each.layer, each.tensor, ", ".join(map(str, each.place)), each.bit, each.before, each.after)
        for each in found.flips[:MOST_FLIPS]
    ]
    columns = ("layer", "tensor", "index", "bit", "before", "after")
    heading = (
        f"{title}: map {found.number} of {found.stratum}, {kind_and_settings(found.settings.fault)}: "
        f"{found.accuracy:.2%} of {counted(found.images, 'image')} right, {found.accuracy_golden:.2%} without faults"
    )
    faulty = f"{counted(found.outcome.hits, 'place')} struck, {counted(len(found.flips), 'stored bit')} changed"
    if rows:
        console.print(table(heading, columns, rows, numbers=3))
        if len(found.flips) > len(rows):
            console.print(f"the first {len(rows)} of {len(found.flips):,}: --json writes all of them")
    else:
        console.print(heading)
    if found.stages or found.pixels:
        faulty += f"; in {', '.join(found.stages) if found.stages else 'the input'}"
    console.print(faulty)


def headline(found: "Found", *, rate: bool) -> str:
    """The fault with all that it was set to; without its rate where several are shown."""
    return kind_and_settings(found.injection.settings.fault, without=() if rate else RATES)


def kind_and_settings(fault: "Fault", without: Collection[str] = ()) -> str:
    """'stuck at, ber 0.001, at 1'."""
    from spikewright.app.runs.faults import settings_of

    given = [f"{name} {value}" for name, value in settings_of(fault).items() if name not in without]
    return ", ".join([fault.kind.replace("_", " "), *given])


def _bits(found: "Injection") -> str:
    """'8-bit', or '1- and 8-bit' where layers differ."""
    every = sorted({each.bits for each in found.storage} or {found.weight_bits})
    return " and ".join([*(f"{bits}-" for bits in every[:-1]), f"{every[-1]}-bit"])


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
    settings = [name for name in RATES if getattr(fault, name, None) is not None]
    return ", ".join(f"{name} {getattr(fault, name):g}" for name in settings) or "—"


def _reliability(mean: float, low: float, high: float, golden: float) -> tuple[str, str]:
    if not golden:
        return "—", "—"
    return f"{mean / golden:.4f}", f"{low / golden:.4f} – {high / golden:.4f}"
