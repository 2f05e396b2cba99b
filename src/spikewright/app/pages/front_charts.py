"""The charts of a search and of hardened alternatives: Pareto fronts, and differences with their intervals.

The three figures of a candidate are drawn two at a time. Coloured are those that no other one beats in all three; the
dashed line joins those that no other one beats in the two of that chart.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from spikewright.app.pages.candidates import Candidate, Hardening, front
from spikewright.app.pages.charts import ROOM, Chart, height_of, named_axis
from spikewright.app.pages.palette import GREY, colour
from spikewright.app.pages.plots import axis, decimal_ticks, escaped, layout, log_axis, log_span, meta, share_axis
from spikewright.app.pages.wording import NOTHING, energy_unit, percent, points, three_digits

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

    kept = [
        one
        for one in placed
        if not any(merits(other) != merits(one) and _no_worse(merits(other), merits(one)) for other in placed)
    ]
    return sorted(kept, key=lambda one: across.place(one) or 0.0)


def _no_worse(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] >= other[0] and one[1] >= other[1]


def _chart(title: str, found: Sequence[Candidate], across: Side, up: Side, unit: float) -> Chart | None:
    from plotly import graph_objects  # noqa: PLC0415

    placed = [one for one in found if across.place(one) is not None and up.place(one) is not None]
    if not placed:
        return None
    beside: list[tuple[float, float]] = []
    if up is ACCURACY:
        beside = list(dict.fromkeys(one.beside for one in placed if one.beside is not None and all(one.beside)))
    if across.better < 0:
        span = log_span([across.place(one) or 1.0 for one in placed] + [joules / unit for _, joules in beside])
        ticks = decimal_ticks(10 ** span[0], 10 ** span[1])
        below = log_axis(across.label, span, ticks, [f"{tick:g}" for tick in ticks])
    else:
        below = share_axis(across.label)
    above = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
    figure = graph_objects.Figure(layout=layout(below, share_axis(up.label), showlegend=True, legend=above))
    best = front(found)
    line = joined([one for one in placed if one.stands] or placed, across, up)
    if beside:
        figure.add_scatter(
            x=[joules / unit for _, joules in beside], y=[accuracy for accuracy, _ in beside], mode="markers",
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
    shown = sorted((one for one in placed if one in best), key=lambda one: across.place(one) or 0.0)
    turns = ("bottom left", "top left")  # the last one has no room on its right, the first none on its left
    sides = ["top right", *(turns[(len(shown) - 1 - index) % 2] for index in range(1, len(shown)))]
    groups = (
        ("refused by a gate", "x-thin-open", None, [one for one in placed if not one.stands and one not in best]),
        ("passes", "square", 2, [one for one in placed if one.stands and one not in best]),
        ("on the front of all three", "circle", 0, shown),
    )
    for name, symbol, index, own in groups:
        if own:
            names = name == groups[-1][0] and len(own) <= LABELLED
            figure.add_scatter(
                x=[across.place(one) for one in own], y=[up.place(one) for one in own], name=name,
                mode="markers+text" if names else "markers", text=[escaped(one.name) for one in own] if names else None,
                textposition=sides if names else None, meta=meta(None, index, role="candidates"),
                marker={"size": 11, "symbol": symbol, "color": colour(index)}, cliponaxis=False,
                error_y=_bars(own) if up is RELIABILITY else None,
                hovertext=[_hover(one) for one in own], hovertemplate="%{hovertext}<extra></extra>",
            )  # fmt: skip
    return Chart(title=title, figure=figure)


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
