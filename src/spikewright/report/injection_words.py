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


def sentences(found: Sequence[Campaign]) -> list[str]:
    """What the campaigns of one network found; they are in order of bit error rate."""
    whole = [(one, one.whole) for one in found if one.scope == "model" and one.whole is not None]
    said: list[str] = []
    if whole:
        first, row = whole[0]
        said.append(f"Without faults {percent(row.accuracy_golden)} of {first.images:,} images are right.")
        said += [_alone(*whole[0])] if len(whole) == 1 else _curve(whole)
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


def _curve(whole: Sequence[tuple[Campaign, Stratum]]) -> list[str]:
    (low, first), (high, last) = whole[0], whole[-1]
    maps = sorted({row.maps for _, row in whole})
    many = f"{maps[0]:,}" if len(maps) == 1 else f"{maps[0]:,} to {maps[-1]:,}"
    lose = next((one for one, row in whole if row.lost > 0.01), None)
    worst, row = min(whole, key=lambda pair: pair[1].accuracy_worst)
    return [
        f"Under faults, on average over {many} maps a rate: {percent(first.accuracy_mean)} {low.under}"
        f"{_within(low, first)}, {percent(last.accuracy_mean)} {high.under}{_within(high, last)}.",
        "The mean loses no more than one point at any of these rates."
        if lose is None
        else f"The mean loses more than one point first {lose.under}.",
        f"Worst map: {percent(row.accuracy_worst)}, {worst.under}.",
    ]


def _strata(one: Campaign, rows: Sequence[Stratum], part: str) -> str:
    most, least = max(rows, key=lambda row: row.lost), min(rows, key=lambda row: row.lost)
    told = f"{_first(one.under)}, faults in one {' and one '.join(_word(kind) for kind in part.split('/'))} at a time"
    if len(rows) == 1:
        return f"{told}: {most.short} {_loses(most)}{_within(one, most)}."
    said = f"{most.short} {_loses(most)}{_within(one, most)}, the most; {least.short} {_loses(least)}"
    return f"{told}: of {len(rows)}, {said}."


def _word(kind: str) -> str:
    return ONE_AT_A_TIME.get(kind, kind)


def _loses(row: Stratum) -> str:
    return (
        f"loses {points(row.lost).removeprefix('+')} points" if row.lost >= 0 else f"gains {points(-row.lost)} points"
    )


def _points(share: float) -> str:
    shown = f"{round(100 * share, 2):g}"
    return f"{shown} point" if shown == "1" else f"{shown} points"


def _within(one: Campaign, row: Stratum) -> str:
    if row.accuracy_low is None:
        return ""
    return f" ({one.level:.0%} interval {percent(row.accuracy_low)} to {percent(row.accuracy_high)})"


def _verdict(one: Campaign, verdict: Verdict, *, alone: bool) -> str:
    against = verdict.against or "what it was compared with"
    margin = (
        "the margin"
        if verdict.margin is None
        else f"{round(100 * verdict.margin, 2):g} points".replace("1 points", "1 point")
    )
    where = "" if alone else f" {one.under}"
    said = f"Verdict{where}: {verdict.found}, {MEANING[verdict.found].format(against=against, margin=margin)}"
    if verdict.difference is not None:
        ends = "" if verdict.low is None else f" ({points(verdict.low)} to {points(verdict.high)})"
        said += f"; difference {points(verdict.difference)} points{ends}"
    return said + "."


def injected(found: Sequence[Campaign]) -> list[str]:
    """What was injected and what was not, each sentence once."""
    kinds: dict[tuple[str, str], list[Campaign]] = {}
    for one in found:
        kinds.setdefault((_kind(one), _not(one)), []).append(one)
    said: list[str] = []
    for (kind, _), those in kinds.items():
        rates = [bit_error_rate(rate) for rate in dict.fromkeys(one.ber for one in those) if rate is not None]
        rate = f" Bit error rate: {', '.join(rates)}." if rates else ""
        said.append(f"Injected: {kind}{rate}")
    return list(dict.fromkeys([*said, *(f"Not injected: {text}" for _, text in kinds)]))


def _kind(one: Campaign) -> str:
    if one.injected:
        return one.injected.rstrip(".") + "."
    bits = f"{one.bits_total:,} " if one.bits_total is not None else ""
    format_ = "" if one.weight_bits is None else f" ({one.weight_bits} bits a weight, two's complement)"
    what = "each flips with the bit error rate, independently of the others"
    if one.fault not in ("", "bit_flip"):
        what = f"faults of the kind {one.fault}"
    where = [f"layer {one.layer} only" if one.layer else "", f"bit {one.bit} only" if one.bit is not None else ""]
    if one.scope != "model" and not any(where):
        where = [f"in one {_word(one.scope)} at a time"]
    told = ", ".join(text for text in where if text)
    return f"{bits}stored weight bits{format_}: {what}{', ' + told if told else ''}."


def _not(one: Campaign) -> str:
    if one.not_injected:
        return one.not_injected.rstrip(".") + "."
    if one.fault in ("", "bit_flip"):
        return "anything but stored weight bits, so no biases, thresholds, membranes, spikes, inputs or logic."
    return "the file does not say."


def _first(text: str) -> str:
    """The text as a sentence begins."""
    return text[:1].upper() + text[1:]
