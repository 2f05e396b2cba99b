"""What a fault campaign found, in sentences: figures with their intervals, what was injected, and what was not."""

from collections.abc import Sequence

from spikewright.app.pages.campaign import Campaign, Stratum, Verdict
from spikewright.app.pages.wording import bit_error_rate, percent, points

MEANING = {
    "PASS": "shown to be no worse than the other network, within the margin",
    "FAIL": "shown to be worse than the other network, by more than the margin",
    "UNDECIDED": "not shown either way, so it does not pass",
}


def paragraphs(found: Sequence[Campaign]) -> list[str]:
    """What the campaigns of one network found; they are in order of their rates.

    One paragraph for each kind of fault and place, one a verdict, and one for each rate of campaigns part by part.
    """
    said = [_whole(those) for those in by_place(found).values()]
    several = sum(one.verdict is not None for one in found) > 1
    said += [_verdict(one, one.verdict, several=several) for one in found if one.verdict is not None]
    said += [_strata(one) for one in found if one.strata]
    return said + [f"Warning: {line}." for line in dict.fromkeys(line for one in found for line in one.warnings)]


def by_place(found: Sequence[Campaign]) -> dict[tuple[str, str], list[tuple[Campaign, Stratum]]]:
    """The campaigns that struck a network as one, by kind of fault and place."""
    places: dict[tuple[str, str], list[tuple[Campaign, Stratum]]] = {}
    for one in found:
        if one.scope == "model" and one.whole is not None:
            places.setdefault((one.fault, one.whole.name), []).append((one, one.whole))
    return places


def _whole(found: Sequence[tuple[Campaign, Stratum]]) -> str:
    first, row = found[0]
    said = f"Without faults {percent(row.accuracy_golden)} of {first.images:,} images are right"
    said += f" ({first.silent:,} have no output at all). " if first.silent else ". "
    where = "" if row.name == "model" else f" in {row.place}"
    kind = "" if first.fault in ("", "bit flip") else f" of the kind {first.fault}"
    faults = f"faults{kind}{where}" if kind or where else ""
    return said + (_alone(first, row, faults) if len(found) == 1 else _curve(found, faults))


def _alone(one: Campaign, row: Stratum, faults: str) -> str:
    said = f"{percent(row.accuracy_mean)} on average over {row.maps:,} fault maps{_within(one, row)}"
    stated = f"{_first(one.under)}{f', {faults}' if faults else ''}"
    said = f"{stated}: {said}, {percent(row.accuracy_worst)} on the worst."
    low, high = row.reliability_low, row.reliability_high
    if row.reliability_mean is None:
        return said
    ends = "" if low is None else f" ({percent(low)} to {percent(high)})"
    return f"{said} Reliability, faulty over fault-free accuracy: {percent(row.reliability_mean)}{ends}."


def _curve(found: Sequence[tuple[Campaign, Stratum]], faults: str) -> str:
    (low, first), (high, last) = found[0], found[-1]
    maps = sorted({row.maps for _, row in found})
    many = f"{maps[0]:,}" if len(maps) == 1 else f"{maps[0]:,} to {maps[-1]:,}"
    lose = next((one for one, row in found if row.lost > 0.01), None)
    stated = (
        "no more than one point at any of these rates" if lose is None else f"more than one point first {lose.under}"
    )
    worst, row = min(found, key=lambda pair: pair[1].accuracy_worst)
    return (
        f"Under {faults or 'faults'}, on average over {many} maps a rate: {percent(first.accuracy_mean)} {low.under}"
        f"{_within(low, first)}, {percent(last.accuracy_mean)} {high.under}{_within(high, last)}. "
        f"The mean loses {stated}. Worst map: {percent(row.accuracy_worst)}, {worst.under}."
    )


def _strata(one: Campaign) -> str:
    most, least = (choose(one.strata, key=lambda row: row.lost) for choose in (max, min))
    stated = f"{_first(one.under)}, faults {one.where}"
    if len(one.strata) == 1:
        return f"{stated}: {most.place} {_loses(one, most)}."
    said = f"{most.place} {_loses(one, most)}, the most; {least.place} {_loses(one, least)}"
    return f"{stated}: of {len(one.strata):,}, {said}."


def _loses(one: Campaign, row: Stratum) -> str:
    """Points lost with their interval: golden minus the ends of the mean's."""
    golden, ends = row.accuracy_golden, ""
    if row.accuracy_low is not None and row.accuracy_high is not None:
        low, high = (points(golden - end).removeprefix("+") for end in (row.accuracy_high, row.accuracy_low))
        ends = f" ({one.level:.0%} interval {low} to {high})"
    return f"loses {points(row.lost).removeprefix('+')} points{ends}"


def _within(one: Campaign, row: Stratum) -> str:
    if row.accuracy_low is None:
        return ""
    return f" ({one.level:.0%} interval {percent(row.accuracy_low)} to {percent(row.accuracy_high)})"


def _verdict(one: Campaign, verdict: Verdict, *, several: bool) -> str:
    at = f" {one.under}" if several else ""
    if verdict.required:
        said = f"Verdict{at}: {verdict.found}. " + " ".join(f"{_first(each)}." for each in verdict.required)
        if verdict.accuracy is None:
            return said
        said += f" Against another network: {verdict.against}, {MEANING[verdict.against or verdict.found]}."
    else:
        said = f"Verdict{at}: {verdict.found}, {MEANING[verdict.found]}."
    said += f" Compared with {verdict.other}." if verdict.other else ""
    if verdict.accuracy is not None:
        said += f" The other one has {percent(verdict.accuracy)} under the same faults"
        said += "." if verdict.difference is None else f", a difference of {points(verdict.difference)} points."
    return said + (f" {_first(verdict.reason)}." if verdict.reason else "")


def injected(found: Sequence[Campaign]) -> list[str]:
    """What was injected, where and at which rates, and what was not; each sentence once."""
    kinds: dict[str, dict[str, list[Campaign]]] = {}
    for one in found:
        kinds.setdefault(_kind(one), {}).setdefault(one.where, []).append(one)
    said = []
    for kind, places in kinds.items():
        shown = []
        for place, those in places.items():
            rates = [bit_error_rate(rate) for rate in dict.fromkeys(one.rate for one in those) if rate is not None]
            name = "BER" if those[0].is_ber else "rate"
            shown.append(place + (f" ({name} {', '.join(rates)})" if rates else ""))
        said.append(f"Injected: {kind}: {'; '.join(shown)}.")
    return list(dict.fromkeys([*said, *(f"Not injected: {_not(one)}" for one in found)]))


def _kind(one: Campaign) -> str:
    if one.injected:
        return one.injected.rstrip(".")
    if one.fault not in ("", "bit flip"):
        return f"faults of the kind {one.fault}"
    bits = f"{one.bits_total:,} " if one.bits_total is not None else ""
    stored = "" if one.weight_bits is None else f" ({one.weight_bits} bits a weight, two's complement)"
    stored = " (1 bit a weight)" if one.weight_bits == 1 else stored
    stored = f" ({one.stored})" if one.stored else stored
    how = "each flipped with the bit error rate, independently of the others"
    if not one.is_ber:
        how = "flipped as listed" if one.count is None else f"{one.count:,} of them flipped in each map"
    return f"{bits}stored weight bits{stored}, {how}"


def _not(one: Campaign) -> str:
    if one.not_injected:
        return one.not_injected.rstrip(".") + "."
    if not one.fault or one.fault.startswith(("bit flip", "stuck at")):
        return "anything but stored weight bits, so no biases, thresholds, membranes, spikes, inputs or logic."
    return "any other kind of fault."


def _first(text: str) -> str:
    """The text as a sentence begins."""
    return text[:1].upper() + text[1:]
