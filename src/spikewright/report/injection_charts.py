"""The charts of fault campaigns: accuracy against bit error rate, what each stratum loses, the spread of the maps.

Bands and bars are the intervals over fault maps that the file holds. What a stratum loses is drawn in points of
accuracy from 0, so that lengths can be compared. Colours are those of the networks, in the page's order.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from spikewright.report.campaign import Campaign, Stratum, under
from spikewright.report.charts import ROOM, Chart, height_of, named_axis
from spikewright.report.palette import LIGHT, colour, marker
from spikewright.report.plots import axis, decimal_ticks, escaped, layout, log_axis, log_span, meta, share_axis
from spikewright.report.wording import NOTHING, bit_error_rate, percent, points

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_BARS = 40  # strata in one chart: those that lose most
FEW_BOXES = 12  # that half the width of the page holds
MOST_POINTS = 200  # maps drawn one by one; of more only those beyond the whiskers
ABOVE = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
OF = {"layer": "layer", "bit": "bit position", "channel": "output channel", "layer/bit": "layer and bit position"}


def charts(found: Sequence[Campaign]) -> list[Chart]:
    """All charts that the campaigns have figures for."""
    networks = list(dict.fromkeys(one.network for one in found))
    whole = [one for one in found if one.scope == "model" and one.whole is not None]
    made = [curve(whole, networks), spread(whole, networks)]
    parts: dict[tuple[str, float | None], list[Campaign]] = {}
    for one in found:
        for part in dict.fromkeys(row.part for row in one.strata):
            parts.setdefault((part, one.ber), []).append(one)
    for (part, ber), those in parts.items():
        rates = [one for other, at in parts if other == part for one in parts[other, at]]
        if part == "layer/bit":
            made += [heat(one, several=len(networks) > 1) for one in those]
        elif len({one.ber for one in rates}) == 1:
            made += [losses(those, part, ber, networks), spread_of_strata(those, part, ber, networks)]
        else:
            made += [curve_of_strata(rates, part) if those[0] is rates[0] else None, losses(those, part, ber, networks)]
    return [chart for chart in made if chart is not None]


def curve(whole: Sequence[Campaign], networks: Sequence[str]) -> Chart | None:
    """Accuracy against bit error rate, a line and a band a network; dashed: without faults."""
    lines = [
        _Line(network, index, index, [(one, one.whole) for one in whole if one.network == network and one.whole])
        for index, network in enumerate(networks)
    ]
    return _curves(lines, "Accuracy against bit error rate", legend=False, wide=len(whole) > FEW_BOXES)


def curve_of_strata(found: Sequence[Campaign], part: str) -> Chart | None:
    """The same of one network, a line a stratum; None where they are more than there are colours."""
    names = list(dict.fromkeys(row.name for one in found for row in one.strata if row.part == part))
    if len({one.network for one in found}) > 1 or len(names) > len(LIGHT):
        return None
    lines = [
        _Line(_short(found, name), index, None, [(one, row) for one in found for row in one.strata if row.name == name])
        for index, name in enumerate(names)
    ]
    return _curves(lines, f"Accuracy against bit error rate, by {OF.get(part, part)}", legend=True)


class _Line(NamedTuple):
    """A line of a curve: its name and colour, which button hides it, and its points."""

    name: str
    number: int
    series: int | None
    points: list[tuple[Campaign, Stratum]]


def _curves(lines: Sequence[_Line], title: str, *, legend: bool, wide: bool = False) -> Chart | None:
    """None where there are fewer than two rates; a rate of 0 has no place on a logarithmic axis."""
    lines = [line._replace(points=[pair for pair in line.points if pair[0].ber]) for line in lines]
    rates = [one.ber for line in lines for one, _ in line.points if one.ber]
    if len(set(rates)) < 2:
        return None
    span = log_span(rates)
    ticks = decimal_ticks(10 ** span[0], 10 ** span[1])
    across = log_axis("bit error rate", span, ticks, [bit_error_rate(tick) for tick in ticks])
    figure = _figure(layout(across, share_axis("accuracy"), showlegend=legend, legend=ABOVE))
    shown: set[float] = set()
    for line in lines:
        for trace in _traces(line, span, shown if legend else set()):
            figure.add_scatter(**trace)
    level = ", ".join(sorted({f"{one.level:.0%}" for line in lines for one, _ in line.points}))
    note = f"Mean over fault maps; band: {level} interval of that mean. Dashed: without faults."
    return Chart(title=title, figure=figure, note=note, wide=wide)


def _traces(line: _Line, span: tuple[float, float], shown: set[float]) -> list[dict[str, Any]]:
    """Without faults, band, and mean; no second dashed line at a height that is in `shown`."""
    if not line.points:
        return []
    name, index, own = escaped(line.name), line.number, colour(line.number)
    traces: list[dict[str, Any]] = []
    golden = line.points[0][1].accuracy_golden
    if golden not in shown:
        alone = None if line.series is None else index
        traces.append({
            "x": [10 ** span[0], 10 ** span[1]], "y": [golden, golden], "mode": "lines", "showlegend": False,
            "name": "no faults" if alone is None else f"{name}, no faults",
            "meta": meta(line.series, alone, role="golden"),
            "line": {"dash": "dash", "width": 1, "color": colour(alone)},
            "hovertemplate": "%{fullData.name}: %{y:.2%}<extra></extra>",
        })  # fmt: skip
        shown.add(golden)
    ends = [(one.ber, row.accuracy_low, row.accuracy_high) for one, row in line.points if row.accuracy_low is not None]
    traces.append({
        "x": [ber for ber, _, _ in ends] + [ber for ber, _, _ in reversed(ends)],
        "y": [high for _, _, high in ends] + [low for _, low, _ in reversed(ends)],
        "mode": "lines", "name": name, "showlegend": False, "meta": meta(line.series, index, role="band"),
        "fill": "toself", "fillcolor": own, "line": {"width": 0, "color": own}, "hoverinfo": "skip",
    })  # fmt: skip
    traces.append({
        "x": [one.ber for one, _ in line.points], "y": [row.accuracy_mean for _, row in line.points],
        "mode": "lines+markers", "name": name, "meta": meta(line.series, index, role="mean"),
        "text": [_hover(one, row, line.name) for one, row in line.points], "hovertemplate": "%{text}<extra></extra>",
        "line": {"width": 2, "color": own}, "marker": {"size": 9, "symbol": marker(index), "color": own},
    })  # fmt: skip
    return traces


def spread(whole: Sequence[Campaign], networks: Sequence[str]) -> Chart | None:
    """The accuracy of every fault map, a box a network and bit error rate."""
    held = [one for one in whole if one.whole is not None and one.whole.accuracies]
    if not held:
        return None
    rates = [bit_error_rate(one.ber) for one in sorted(held, key=lambda one: one.ber or 0.0)]
    across = named_axis(list(dict.fromkeys(rates)), label="bit error rate")
    figure = _figure(layout(across, share_axis("accuracy of a fault map"), boxmode="group"))
    for index, network in enumerate(networks):
        own = [(one, one.whole.accuracies) for one in held if one.network == network and one.whole is not None]
        if own:
            places = [bit_error_rate(one.ber) for one, accuracies in own for _ in accuracies]
            values = [accuracy for _, accuracies in own for accuracy in accuracies]
            figure.add_box(x=places, y=values, **_box(index, network, max(len(each) for _, each in own)))
    return Chart(title="Every fault map", figure=figure, note=_NOTE_OF_BOXES, wide=len(held) > FEW_BOXES)


def losses(found: Sequence[Campaign], part: str, ber: float | None, networks: Sequence[str]) -> Chart:
    """Points of accuracy that each stratum loses, a bar with its interval a stratum and network."""
    names, left_out = _names(found, part)
    figure = _figure(
        layout(
            axis("accuracy lost (points)", rangemode="tozero"),
            named_axis([_short(found, name) for name in names], downwards=True),
            barmode="group",
            margin=ROOM,
            bargap=0.25,
        )
    )
    for one in found:
        index = networks.index(one.network)
        rows = [row for row in one.strata if row.name in names and row.part == part]
        known = [row for row in rows if row.accuracy_low is not None and row.accuracy_high is not None]
        upper = [100 * (row.accuracy_mean - row.accuracy_low) for row in known if row.accuracy_low is not None]
        lower = [100 * (row.accuracy_high - row.accuracy_mean) for row in known if row.accuracy_high is not None]
        bars = {"type": "data", "array": upper, "arrayminus": lower, "symmetric": False, "thickness": 1.5, "width": 4}
        figure.add_bar(
            x=[100 * row.lost for row in rows], y=[escaped(row.short) for row in rows], orientation="h",
            name=escaped(one.network), meta=meta(index, index, role="lost"),
            error_x=bars if len(known) == len(rows) else None, marker={"color": colour(index), "opacity": 0.8},
            hovertext=[_hover(one, row, f"{one.network}, {row.short}") for row in rows],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    note = "Golden minus mean accuracy, with its interval."
    if left_out:
        note += f" The {MOST_BARS} that lose most; {left_out} more are in the table."
    title = f"What each {OF.get(part, part)} loses {under(ber)}"
    return Chart(title=title, figure=figure, note=note, height=height_of(len(names) * len(found)))


def spread_of_strata(found: Sequence[Campaign], part: str, ber: float | None, networks: Sequence[str]) -> Chart | None:
    """The accuracy of every fault map, a box a stratum and network."""
    names, _ = _names(found, part)
    if not any(row.accuracies for one in found for row in one.strata if row.name in names):
        return None
    down = named_axis([_short(found, name) for name in names], downwards=True)
    figure = _figure(layout(share_axis("accuracy of a fault map"), down, boxmode="group", margin=ROOM))
    for one in found:
        index = networks.index(one.network)
        rows = [row for row in one.strata if row.name in names and row.accuracies]
        if rows:
            places = [escaped(row.short) for row in rows for _ in row.accuracies]
            values = [accuracy for row in rows for accuracy in row.accuracies]
            most = max(len(row.accuracies) for row in rows)
            figure.add_box(x=values, y=places, orientation="h", **_box(index, one.network, most))
    title = f"Every fault map, by {OF.get(part, part)}, {under(ber)}"
    return Chart(title=title, figure=figure, note=_NOTE_OF_BOXES, height=height_of(len(names) * len(found)))


def heat(campaign: Campaign, *, several: bool) -> Chart:
    """Points that each bit position of each layer loses; the sign bit is on the left."""
    cells = {row.layer_and_bit: row for row in campaign.strata if row.layer_and_bit is not None}
    layers = list(dict.fromkeys(layer for layer, _ in cells))
    bits = sorted({bit for _, bit in cells}, reverse=True)
    top = None if campaign.weight_bits is None else campaign.weight_bits - 1
    heads = [f"{bit} (sign)" if bit == top else str(bit) for bit in bits]
    table = [[cells.get((layer, bit)) for bit in bits] for layer in layers]
    lost = [[None if row is None else 100 * row.lost for row in line] for line in table]
    most = max(one for line in lost for one in line if one is not None)
    down = named_axis(layers, downwards=True)
    figure = _figure(layout(named_axis(heads, label="bit position"), down, margin=ROOM))
    figure.add_heatmap(
        x=heads, y=[escaped(layer) for layer in layers], z=lost, zmin=0, zmax=max(most, 1.0), xgap=2, ygap=2,
        text=[["" if one is None else _cell(one) for one in line] for line in lost],
        texttemplate="%{text}", name=escaped(campaign.network),
        hovertext=[
            ["" if row is None else _hover(campaign, row, f"{campaign.network}, {row.short}") for row in line]
            for line in table
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        meta=meta(None, 1, role="heat"), colorscale=[[0, "#f6f7f9"], [1, colour(1)]],
        colorbar={"title": {"text": "points lost", "side": "right"}, "thickness": 12, "outlinewidth": 0},
    )  # fmt: skip
    of = f" of {campaign.network}" if several else ""
    title = f"Points lost by layer and bit position{of} {campaign.under}"
    return Chart(title=title, figure=figure, height=max(12.0, 7.0 + 2.2 * len(layers)), wide=True)


_NOTE_OF_BOXES = "One dot a fault map. Box: quartiles and median; dashed: mean; whiskers: up to 1.5 times the box."


def _box(index: int, network: str, most: int) -> dict[str, Any]:
    return {
        "name": escaped(network),
        "meta": meta(index, index, role="maps"),
        "boxpoints": "all" if most <= MOST_POINTS else "outliers",
        "boxmean": True,
        "jitter": 0.5,
        "pointpos": 0,
        "fillcolor": colour(index),
        "line": {"width": 1.5, "color": colour(index)},
        "marker": {"size": 5, "opacity": 0.6, "color": colour(index)},
    }


def _names(found: Sequence[Campaign], part: str) -> tuple[list[str], int]:
    """Strata in the order of the file, no more than can be drawn, and how many are left out."""
    most: dict[str, float] = {}
    for one in found:
        for row in one.strata:
            if row.part == part:
                most[row.name] = max(most.get(row.name, row.lost), row.lost)
    if part == "bit":  # the sign bit first, as in the map of layers and bits
        most = dict(sorted(most.items(), key=lambda pair: -int(pair[0].rpartition(":")[2])))
    kept = set(sorted(most, key=lambda name: -most[name])[:MOST_BARS])
    return [name for name in most if name in kept], len(most) - len(kept)


def _cell(lost: float) -> str:
    return points(lost / 100).removeprefix("+") if abs(lost) < 10 else f"{lost:.1f}".replace("-", "−")


def _short(found: Sequence[Campaign], name: str) -> str:
    return next(row.short for one in found for row in one.strata if row.name == name)


def _hover(campaign: Campaign, row: Stratum, name: str) -> str:
    interval = NOTHING if row.accuracy_low is None else f"{percent(row.accuracy_low)} to {percent(row.accuracy_high)}"
    return (
        f"<b>{escaped(name)}</b>, {campaign.under}<br>mean {percent(row.accuracy_mean)} ({interval})"
        f"<br>{points(-row.lost)} points, worst map {percent(row.accuracy_worst)}, {row.maps:,} maps"
    )


def _figure(made: dict[str, Any]) -> "Figure":
    from plotly import graph_objects  # noqa: PLC0415

    return graph_objects.Figure(layout=made)
