"""The charts of fault campaigns: accuracy against rate, what each part of a network loses, the spread of the maps.

Bars are the intervals over fault maps that the file holds. What a part loses is drawn in points of accuracy from 0, so
that lengths can be compared. Colours are those of the networks, in the page's order.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spikewright.app.pages.campaign import Campaign, Stratum
from spikewright.app.pages.charts import ROOM, Chart, height_of, named_axis
from spikewright.app.pages.curves import Line, curves, hover
from spikewright.app.pages.injection_words import by_place
from spikewright.app.pages.palette import LIGHT, colour
from spikewright.app.pages.plots import axis, escaped, layout, meta, share_axis
from spikewright.app.pages.wording import points

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_BARS = 40  # parts of a network in one chart: those that lose most
FEW_BOXES = 12  # that half the width of the page holds
MOST_POINTS = 200  # maps drawn one by one; of more only those beyond the whiskers
OF = {"bit": "bit position", "channel": "output channel", "cell": "layer and bit position"}
_NOTE_OF_BOXES = "One dot a fault map. Box: quartiles and median; dashed: mean; whiskers: up to 1.5 times the box."


def charts(found: Sequence[Campaign]) -> list[Chart]:
    """All charts that the campaigns have figures for."""
    networks = list(dict.fromkeys(one.network for one in found))
    whole = lines(found)
    wide = sum(len(line.points) for line in whole) > FEW_BOXES
    made = [curves(whole, "", legend=False, wide=wide), spread(whole, wide=wide)]
    kinds: dict[tuple[str, str], dict[str, list[Campaign]]] = {}
    for one in found:
        if one.strata:
            kinds.setdefault((one.scope, one.fault), {}).setdefault(one.under, []).append(one)
    for at_rates in kinds.values():
        several = len(at_rates) > 1
        if several:
            made.append(curve_of_strata([one for those in at_rates.values() for one in those]))
        for those in at_rates.values():
            as_map = [one for one in those if _is_map(one)]
            made += [heat(one, several=len(networks) > 1) for one in as_map]
            if bars := [one for one in those if one not in as_map]:
                made += [losses(bars, networks), None if several else spread_of_strata(bars, networks)]
    return [chart for chart in made if chart is not None]


def lines(found: Sequence[Campaign]) -> list[Line]:
    """What struck a network as one: a line a network, kind of fault and place; dotted where it is only a part."""
    networks = list(dict.fromkeys(one.network for one in found))
    faults = {one.fault for one in found}
    made = []
    for number, network in enumerate(networks):
        for (fault, _), pairs in by_place([one for one in found if one.network == network]).items():
            part = pairs[0][1]
            name = network if part.name == "model" else f"{network}, {part.place}"
            name += f", {fault}" if len(faults) > 1 and fault else ""
            made.append(Line(name, number, number, pairs, "solid" if part.name == "model" else "dot"))
    return made


def spread(whole: Sequence[Line], *, wide: bool) -> Chart | None:
    """The accuracy of every fault map, a box a line and rate."""
    measured = [line._replace(points=[pair for pair in line.points if pair[1].accuracies]) for line in whole]
    placed = [one for line in measured for one, _ in line.points]
    if not placed:
        return None
    ticks = [one.tick for one in sorted(placed, key=lambda one: one.rate or 0.0)]
    label = "bit error rate" if all(one.is_ber for one in placed) else "faults"
    across = named_axis(list(dict.fromkeys(ticks)), label=label)
    figure = _figure(layout(across, share_axis("accuracy of a fault map"), boxmode="group"))
    for line in measured:
        if line.points:
            places = [escaped(one.tick) for one, row in line.points for _ in row.accuracies]
            values = [accuracy for _, row in line.points for accuracy in row.accuracies]
            most = max(len(row.accuracies) for _, row in line.points)
            figure.add_box(x=places, y=values, **_box(line.number, line.name, most))
    return Chart(title="Every fault map", figure=figure, note=_NOTE_OF_BOXES, wide=wide)


def curve_of_strata(found: Sequence[Campaign]) -> Chart | None:
    """Accuracy of one network against rate, a line a part; None where they are more than there are colours."""
    names = list(dict.fromkeys(row.name for one in found for row in one.strata))
    if len({one.network for one in found}) > 1 or len(names) > len(LIGHT):
        return None
    made = [
        Line(_short(found, name), number, None, [(one, row) for one in found for row in one.strata if row.name == name])
        for number, name in enumerate(names)
    ]
    return curves(made, f", by {_of(found[0])}", legend=True)


def losses(found: Sequence[Campaign], networks: Sequence[str]) -> Chart:
    """Points of accuracy that each part loses, a bar with its interval a part and network."""
    names, left_out = _names(found)
    down = named_axis([_short(found, name) for name in names], downwards=True)
    across = axis("accuracy lost (points)", rangemode="tozero")
    figure = _figure(layout(across, down, barmode="group", bargap=0.25, margin=ROOM))
    for one in found:
        index = networks.index(one.network)
        rows = [row for row in one.strata if row.name in names]
        known = [row for row in rows if row.accuracy_low is not None and row.accuracy_high is not None]
        upper = [100 * (row.accuracy_mean - row.accuracy_low) for row in known if row.accuracy_low is not None]
        lower = [100 * (row.accuracy_high - row.accuracy_mean) for row in known if row.accuracy_high is not None]
        bars = {"type": "data", "array": upper, "arrayminus": lower, "symmetric": False, "thickness": 1.5, "width": 4}
        figure.add_bar(
            x=[100 * row.lost for row in rows], y=[escaped(row.short) for row in rows], orientation="h",
            name=escaped(one.network), meta=meta(index, index, role="lost"),
            error_x=bars if len(known) == len(rows) else None, marker={"color": colour(index), "opacity": 0.8},
            hovertext=[hover(one, row, f"{one.network}, {row.place}") for row in rows],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    note = "Golden minus mean accuracy, with its interval."
    if left_out:
        note += f" The {MOST_BARS} that lose most; {left_out:,} more are in the table."
    title = f"What each {_of(found[0])} loses {found[0].under}"
    return Chart(title=title, figure=figure, note=note, height=height_of(len(names) * len(found)))


def spread_of_strata(found: Sequence[Campaign], networks: Sequence[str]) -> Chart | None:
    """The accuracy of every fault map, a box a part and network."""
    names, _ = _names(found)
    if not any(row.accuracies for one in found for row in one.strata if row.name in names):
        return None
    down = named_axis([_short(found, name) for name in names], downwards=True)
    figure = _figure(layout(share_axis("accuracy of a fault map"), down, boxmode="group", margin=ROOM))
    for one in found:
        rows = [row for row in one.strata if row.name in names and row.accuracies]
        if rows:
            places = [escaped(row.short) for row in rows for _ in row.accuracies]
            values = [accuracy for row in rows for accuracy in row.accuracies]
            most = max(len(row.accuracies) for row in rows)
            figure.add_box(x=values, y=places, orientation="h", **_box(networks.index(one.network), one.network, most))
    title = f"Every fault map, by {_of(found[0])}, {found[0].under}"
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
        text=[["" if one is None else _cell(one) for one in line] for line in lost], texttemplate="%{text}",
        name=escaped(campaign.network), hovertemplate="%{hovertext}<extra></extra>",
        hovertext=[[_hover_of_cell(campaign, row) for row in line] for line in table],
        meta=meta(None, 1, role="heat"), colorscale=[[0, "#f6f7f9"], [1, colour(1)]],
        colorbar={"title": {"text": "points lost", "side": "right"}, "thickness": 12, "outlinewidth": 0},
    )  # fmt: skip
    of = f" of {campaign.network}" if several else ""
    title = f"Points lost by layer and bit position{of} {campaign.under}"
    return Chart(title=title, figure=figure, height=max(12.0, 7.0 + 2.2 * len(layers)), wide=True)


def _hover_of_cell(campaign: Campaign, row: Stratum | None) -> str:
    return "" if row is None else hover(campaign, row, f"{campaign.network}, {row.place}")


def _is_map(one: Campaign) -> bool:
    """Whether its parts are bits of several layers."""
    cells = [row.layer_and_bit for row in one.strata]
    known = [cell for cell in cells if cell is not None]
    return len(known) == len(cells) and len({layer for layer, _ in known}) > 1 and len({bit for _, bit in known}) > 1


def _box(index: int, name: str, most: int) -> dict[str, Any]:
    return {
        "name": escaped(name),
        "meta": meta(index, index, role="maps"),
        "boxpoints": "all" if most <= MOST_POINTS else "outliers",
        "boxmean": True,
        "jitter": 0.5,
        "pointpos": 0,
        "fillcolor": colour(index),
        "line": {"width": 1.5, "color": colour(index)},
        "marker": {"size": 5, "opacity": 0.6, "color": colour(index)},
    }


def _names(found: Sequence[Campaign]) -> tuple[list[str], int]:
    """Parts in the order of the file, no more than can be drawn, and how many are left out."""
    most: dict[str, float] = {}
    for one in found:
        for row in one.strata:
            most[row.name] = max(most.get(row.name, row.lost), row.lost)
    order = list(most)
    if found[0].scope == "bit":  # the sign bit first, as in the map of layers and bits
        order.sort(key=lambda name: -(next(row.bit or 0 for one in found for row in one.strata if row.name == name)))
    shown = set(sorted(most, key=lambda name: -most[name])[:MOST_BARS])
    return [name for name in order if name in shown], len(most) - len(shown)


def _of(one: Campaign) -> str:
    return OF.get(one.scope, one.scope)


def _short(found: Sequence[Campaign], name: str) -> str:
    return next(row.short for one in found for row in one.strata if row.name == name)


def _cell(lost: float) -> str:
    return points(lost / 100).removeprefix("+") if abs(lost) < 10 else f"{lost:.1f}".replace("-", "−")


def _figure(made: dict[str, Any]) -> "Figure":
    from plotly import graph_objects  # noqa: PLC0415

    return graph_objects.Figure(layout=made)
