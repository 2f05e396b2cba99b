"""The charts of a search and of hardened alternatives: Pareto fronts, and differences with their intervals.

The three figures of a candidate are drawn two at a time. Coloured are those that no other one beats in all three; the
dashed line joins those that no other one beats in the two of that chart.
"""

from collections.abc import Callable, Sequence
from math import log10
from typing import TYPE_CHECKING, Any, NamedTuple

from spikewright.app.pages.candidates import Candidate, Hardening, front
from spikewright.app.pages.charts import ROOM, Chart, height_of, named_axis, shortened
from spikewright.app.pages.palette import GREY, colour
from spikewright.app.pages.plots import axis, decimal_ticks, escaped, layout, log_axis, log_span, meta, share_axis
from spikewright.app.pages.wording import NOTHING, energy_unit, percent, points, three_digits

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LONGEST_LABEL = 24  # characters: half of the narrowest chart holds them; the whole name is under the pointer
LABELLED = 6  # front members that have their name beside them; of more it is in what is shown under the pointer


class Side(NamedTuple):
    """One of the two figures of a chart; `better` is +1 where more is better, −1 where less is."""

    label: str
    place: Callable[[Candidate], float | None]
    better: int


ACCURACY = Side("accuracy", lambda one: one.accuracy, 1)
RELIABILITY = Side("reliability", lambda one: one.reliability_mean, 1)


def fronts(found: Sequence[Candidate]) -> list[Chart]:
    """Accuracy and energy, reliability and energy, reliability and accuracy; a chart needs a candidate with both."""
    if not found:
        return []
    scale, unit = energy_unit(one.energy_joules for one in found)
    energy = Side(f"energy per sample ({unit})", lambda one: (one.energy_joules or 0.0) / scale or None, -1)
    pairs = (("Accuracy and energy", energy, ACCURACY), ("Reliability and energy", energy, RELIABILITY))
    made = [_chart(title, found, across, up, scale) for title, across, up in pairs]
    made.append(_chart("Reliability and accuracy", found, ACCURACY, RELIABILITY, scale))
    return [chart for chart in made if chart is not None]


def differences(found: Sequence[Hardening]) -> Chart:
    """The difference that each alternative makes, with its interval."""
    from plotly import graph_objects  # noqa: PLC0415

    across = axis("difference in accuracy under faults (points)", zeroline=True, zerolinewidth=1.5)
    down = named_axis([one.name for one in found], downwards=True, longest=60)
    figure = graph_objects.Figure(layout=layout(across, down, margin=ROOM))
    ends = [(one.difference, one.low, one.high) for one in found]
    figure.add_scatter(
        x=[100 * one.difference for one in found], y=[escaped(one.name) for one in found], mode="markers",
        name="difference", meta=meta(None, 0, role="difference"), marker={"size": 10, "color": colour(0)},
        error_x={
            "type": "data", "symmetric": False, "thickness": 2, "width": 5, "color": colour(0),
            "array": [0.0 if high is None else 100 * (high - mean) for mean, _, high in ends],
            "arrayminus": [0.0 if low is None else 100 * (mean - low) for mean, low, _ in ends],
        },
        text=[_hover_of_hardening(one) for one in found], hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    note = "Paired: the same fault maps and images. An interval on the right of 0 shows that it helps."
    return Chart(title="What hardening would buy", figure=figure, note=note, height=height_of(len(found)), wide=True)


def joined(found: Sequence[Candidate], across: Side, up: Side) -> list[Candidate]:
    """Those that no other one beats in the two figures, by the first of them."""
    placed = [one for one in found if across.place(one) is not None and up.place(one) is not None]

    def merits(one: Candidate) -> tuple[float, float]:
        return across.better * (across.place(one) or 0.0), up.better * (up.place(one) or 0.0)

    shown = [
        one
        for one in placed
        if not any(merits(other) != merits(one) and _no_worse(merits(other), merits(one)) for other in placed)
    ]
    return sorted(shown, key=lambda one: across.place(one) or 0.0)


def _no_worse(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] >= other[0] and one[1] >= other[1]


def _chart(title: str, found: Sequence[Candidate], across: Side, up: Side, unit: float) -> Chart | None:
    from plotly import graph_objects  # noqa: PLC0415

    placed = [one for one in found if across.place(one) is not None and up.place(one) is not None]
    if not placed:
        return None
    trained = _trained_networks(placed, unit) if up is ACCURACY else []
    below = _axis_across(across, [across.place(one) or 1.0 for one in placed] + [energy for energy, _ in trained])
    above = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
    figure = graph_objects.Figure(layout=layout(below, share_axis(up.label), showlegend=True, legend=above))
    line = joined([one for one in placed if one.stands] or placed, across, up)
    if trained:
        figure.add_scatter(
            x=[energy for energy, _ in trained], y=[accuracy for _, accuracy in trained], mode="markers",
            name="trained network", meta=meta(None, 1, role="beside"), cliponaxis=False,
            marker={"size": 13, "symbol": "star", "color": colour(1)},
            hovertemplate="%{fullData.name}: %{y:.2%}<extra></extra>",
        )  # fmt: skip
    if len(line) > 1:
        figure.add_scatter(
            x=[across.place(one) for one in line], y=[up.place(one) for one in line], mode="lines",
            name="best of these two", meta=meta(None, None, role="line"),
            line={"dash": "dot", "width": 1.5, "color": GREY}, hoverinfo="skip",
        )  # fmt: skip
    for group in _groups(placed, front(found), across):
        if group.members:
            _add_group(figure, group, across, up)
    return Chart(title=title, figure=figure)


def _trained_networks(placed: Sequence[Candidate], unit: float) -> list[tuple[float, float]]:
    """Energy and accuracy of the networks that candidates were converted from, each once."""
    known = dict.fromkeys(one.beside for one in placed if one.beside is not None and all(one.beside))
    return [(joules / unit, accuracy) for accuracy, joules in known]


def _axis_across(across: Side, places: list[float]) -> dict[str, Any]:
    """Energies, which are better when less, on a logarithmic axis; shares on one from 0 to 1."""
    if across.better > 0:
        return share_axis(across.label)
    span = log_span(places)
    ticks = decimal_ticks(10 ** span[0], 10 ** span[1])
    return log_axis(across.label, span, ticks, [f"{tick:g}" for tick in ticks])


class _Group(NamedTuple):
    """Candidates that are drawn alike; `sides` says where the name of each is written, None that there is no room."""

    name: str
    symbol: str
    colour: int | None
    members: Sequence[Candidate]
    sides: Sequence[str] | None = None


def _groups(placed: Sequence[Candidate], best: Sequence[Candidate], across: Side) -> tuple[_Group, ...]:
    """The refused, those that pass, and the front, which is drawn last and so on top."""
    shown = sorted((one for one in placed if one in best), key=lambda one: across.place(one) or 0.0)
    sides = _sides([across.place(one) or 1.0 for one in shown], [across.place(one) or 1.0 for one in placed], across)
    refused = [one for one in placed if not one.stands and one not in best]
    passing = [one for one in placed if one.stands and one not in best]
    return (
        _Group("refused by a gate", "x-thin-open", None, refused),
        _Group("passes", "square", 2, passing),
        _Group("on the front of all three", "circle", 0, shown, sides if len(shown) <= LABELLED else None),
    )


def _sides(own: Sequence[float], every: Sequence[float], across: Side) -> list[str]:
    """Where names are written: inwards from their half of the chart, where no edge cuts them; by turns above, below."""
    scale = log10 if across.better < 0 else float
    low, high = scale(min(every, default=1.0)), scale(max(every, default=1.0))
    turns = ("top", "bottom")
    return [
        f"{turns[index % 2]} {'right' if 2 * scale(place) <= low + high else 'left'}" for index, place in enumerate(own)
    ]


def _add_group(figure: "Figure", group: _Group, across: Side, up: Side) -> None:
    own, named = group.members, group.sides is not None
    names = [escaped(shortened(one.name, LONGEST_LABEL)) for one in own] if named else None
    figure.add_scatter(
        x=[across.place(one) for one in own], y=[up.place(one) for one in own], name=group.name,
        mode="markers+text" if named else "markers", text=names,
        textposition=group.sides, meta=meta(None, group.colour, role="candidates"),
        marker={"size": 11, "symbol": group.symbol, "color": colour(group.colour)}, cliponaxis=False,
        error_y=_bars(own) if up is RELIABILITY else None,
        hovertext=[_hover(one) for one in own], hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip


def _bars(found: Sequence[Candidate]) -> dict[str, Any]:
    ends = [(one.reliability_mean or 0.0, one.reliability_low, one.reliability_high) for one in found]
    return {
        "type": "data", "symmetric": False, "thickness": 1.5, "width": 4,
        "array": [0.0 if high is None else high - mean for mean, _, high in ends],
        "arrayminus": [0.0 if low is None else mean - low for mean, low, _ in ends],
    }  # fmt: skip


def _hover(one: Candidate) -> str:
    energy = NOTHING
    if one.energy_joules is not None:
        scale, unit = energy_unit([one.energy_joules])
        energy = f"{three_digits(one.energy_joules / scale)} {unit}"
    return (
        f"<b>{escaped(one.name)}</b><br>accuracy {percent(one.accuracy)}, energy {energy}"
        f"<br>reliability {percent(one.reliability_mean)}"
    )


def _hover_of_hardening(one: Hardening) -> str:
    return f"<b>{escaped(one.name)}</b><br>{points(one.difference)} points ({points(one.low)} to {points(one.high)})"
