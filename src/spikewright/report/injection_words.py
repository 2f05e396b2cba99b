"""What a fault campaign found, in sentences: figures with their intervals, what was injected, and what was not."""

from collections.abc import Sequence

from spikewright.report.campaign import Campaign, Stratum, Verdict
from spikewright.report.wording import bit_error_rate, percent, points

ONE_AT_A_TIME = {"layer": "layer", "bit": "bit position", "channel": "output channel"}
MEANING = {
    "PASS": "shown not to be worse than {against} by more than {margin}",
    "FAIL": "shown to be worse than {against} by more than {margin}",
    "UNDECIDED": "these maps do not decide whether it is worse than {against} by more than {margin}: not shown",
}


def paragraphs(found: Sequence[Campaign]) -> list[str]:
    """What the campaigns of one network found; they are in order of bit error rate.

    One paragraph for faults in the whole network, one a verdict, and one for each rate and kind of stratum.
    """
    whole = [(one, one.whole) for one in found if one.scope == "model" and one.whole is not None]
    said: list[str] = []
    if whole:
        first, row = whole[0]
        golden = f"Without faults {percent(row.accuracy_golden)} of {first.images:,} images are right."
        said.append(f"{golden} {_alone(*whole[0]) if len(whole) == 1 else _curve(whole)}")
    said += [_verdict(one, one.verdict, alone=len(found) == 1) for one in found if one.verdict is not None]
    for one in found:
        for part in dict.fromkeys(row.part for row in one.strata):
            said.append(_strata(one, [row for row in one.strata if row.part == part], part))
    return said


def _alone(one: Campaign, row: Stratum) -> str:
    said = f"{percent(row.accuracy_mean)} on average over {row.maps:,} fault maps{_within(one, row)}"
    said = f"{_first(one.under)}: {said}, {percent(row.accuracy_worst)} on the worst."
    if row.reliability_mean is None:
        return said
    low, high = row.reliability_low, row.reliability_high
    ends = "" if low is None else f" ({percent(low)} to {percent(high)})"
    return f"{said} Reliability, faulty over fault-free accuracy: {percent(row.reliability_mean)}{ends}."


def _curve(whole: Sequence[tuple[Campaign, Stratum]]) -> str:
    (low, first), (high, last) = whole[0], whole[-1]
    maps = sorted({row.maps for _, row in whole})
    many = f"{maps[0]:,}" if len(maps) == 1 else f"{maps[0]:,} to {maps[-1]:,}"
    lose = next((one for one, row in whole if row.lost > 0.01), None)
    told = "no more than one point at any of these rates" if lose is None else f"more than one point first {lose.under}"
    worst, row = min(whole, key=lambda pair: pair[1].accuracy_worst)
    return (
        f"Under faults, on average over {many} maps a rate: {percent(first.accuracy_mean)} {low.under}"
        f"{_within(low, first)}, {percent(last.accuracy_mean)} {high.under}{_within(high, last)}. "
        f"The mean loses {told}. Worst map: {percent(row.accuracy_worst)}, {worst.under}."
    )


def _strata(one: Campaign, rows: Sequence[Stratum], part: str) -> str:
    most, least = max(rows, key=lambda row: row.lost), min(rows, key=lambda row: row.lost)
    told = f"{_first(one.under)}, faults {_where(part)}"
    if len(rows) == 1:
        return f"{told}: {most.short} {_loses(one, most)}."
    return f"{told}: of {len(rows)}, {most.short} {_loses(one, most)}, the most; {least.short} {_loses(one, least)}."


def _where(scope: str) -> str:
    if scope == "model":
        return "in the whole network"
    return f"in one {' and one '.join(ONE_AT_A_TIME.get(kind, kind) for kind in scope.split('/'))} at a time"


def _loses(one: Campaign, row: Stratum) -> str:
    """Points lost with their interval: golden minus the ends of the mean's."""
    golden = row.accuracy_golden
    ends = ""
    if row.accuracy_low is not None and row.accuracy_high is not None:
        low, high = (points(golden - end).removeprefix("+") for end in (row.accuracy_high, row.accuracy_low))
        ends = f" ({one.level:.0%} interval {low} to {high})"
    return f"loses {points(row.lost).removeprefix('+')} points{ends}"


def _points(share: float) -> str:
    shown = f"{round(100 * share, 2):g}"
    return f"{shown} point" if shown == "1" else f"{shown} points"


def _within(one: Campaign, row: Stratum) -> str:
    if row.accuracy_low is None:
        return ""
    return f" ({one.level:.0%} interval {percent(row.accuracy_low)} to {percent(row.accuracy_high)})"


def _verdict(one: Campaign, verdict: Verdict, *, alone: bool) -> str:
    against = verdict.against or "what it was compared with"
    margin = "the margin" if verdict.margin is None else _points(verdict.margin)
    where = "" if alone else f" {one.under}"
    said = f"Verdict{where}: {verdict.found}, {MEANING[verdict.found].format(against=against, margin=margin)}"
    if verdict.difference is not None:
        ends = "" if verdict.low is None else f" ({points(verdict.low)} to {points(verdict.high)})"
        said += f"; difference {points(verdict.difference)} points{ends}"
    return said + "."


def injected(found: Sequence[Campaign]) -> list[str]:
    """What was injected, where and at which rates, and what was not; each sentence once."""
    kinds: dict[str, dict[str, list[Campaign]]] = {}
    for one in found:
        kinds.setdefault(_kind(one), {}).setdefault(_place(one), []).append(one)
    said = []
    for kind, places in kinds.items():
        shown = []
        for place, those in places.items():
            rates = [bit_error_rate(rate) for rate in dict.fromkeys(one.ber for one in those) if rate is not None]
            shown.append(place + (f" (BER {', '.join(rates)})" if rates else ""))
        said.append(f"Injected: {kind}: {'; '.join(shown)}.")
    return list(dict.fromkeys([*said, *(f"Not injected: {_not(one)}" for one in found)]))


def _kind(one: Campaign) -> str:
    if one.injected:
        return one.injected.rstrip(".")
    bits = f"{one.bits_total:,} " if one.bits_total is not None else ""
    stored = "" if one.weight_bits is None else f" ({one.weight_bits} bits a weight, two's complement)"
    if one.fault not in ("", "bit_flip"):
        return f"faults of the kind {one.fault}"
    return f"{bits}stored weight bits{stored}, each flipped with the bit error rate, independently of the others"


def _place(one: Campaign) -> str:
    chosen = [f"layer {one.layer}" if one.layer else "", f"bit {one.bit}" if one.bit is not None else ""]
    told = " and ".join(text for text in chosen if text)
    return f"in {told} only" if told else _where(one.scope)


def _not(one: Campaign) -> str:
    if one.not_injected:
        return one.not_injected.rstrip(".") + "."
    if one.fault in ("", "bit_flip"):
        return "anything but stored weight bits, so no biases, thresholds, membranes, spikes, inputs or logic."
    return "the file does not say."


def _first(text: str) -> str:
    """The text as a sentence begins."""
    return text[:1].upper() + text[1:]
