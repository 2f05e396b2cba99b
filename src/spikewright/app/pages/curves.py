"""Accuracy against the rate of faults: lines of means, bands of intervals, and dashed what there is without faults.

Bands are the intervals over fault maps that the file holds. A rate of 0 has no place on a logarithmic axis.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from spikewright.app.pages.campaign import Campaign, Stratum
from spikewright.app.pages.charts import Chart
from spikewright.app.pages.palette import colour, marker
from spikewright.app.pages.plots import decimal_ticks, escaped, layout, log_axis, log_span, meta, share_axis
from spikewright.app.pages.wording import NOTHING, bit_error_rate, percent, points

ABOVE = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}


class Line(NamedTuple):
    """A line of a chart: its name and number of the palette, which button hides it (None: none), and its points."""

    name: str
    number: int
    series: int | None
    points: list[tuple[Campaign, Stratum]]
    dash: str = "solid"


def curves(lines: Sequence[Line], by: str, *, legend: bool, wide: bool = False) -> Chart | None:
    """The chart; None where there are fewer than two rates.

    Args:
        lines: one a network, or one a part of a network.
        by: what the heading says of the lines: "" or ", by layer".
        legend: a legend inside the chart, where the page's own does not name the lines.
        wide: over the whole width of the page.
    """
    from plotly import graph_objects  # noqa: PLC0415

    lines = [line._replace(points=[pair for pair in line.points if pair[0].rate]) for line in lines]
    placed = [one for line in lines for one, _ in line.points]
    rates = [one.rate for one in placed if one.rate]
    if len(set(rates)) < 2:
        return None
    span = log_span(rates)
    ticks = decimal_ticks(10 ** span[0], 10 ** span[1])
    label = "bit error rate" if all(one.is_ber for one in placed) else "rate of faults"
    across = log_axis(label, span, ticks, [bit_error_rate(tick) for tick in ticks])
    figure = graph_objects.Figure(layout=layout(across, share_axis("accuracy"), showlegend=legend, legend=ABOVE))
    shown: set[tuple[int | None, float]] = set()
    for line in lines:
        if line.points:
            for trace in (*_golden(line, span, shown), _band(line), _means(line)):
                figure.add_scatter(**trace)
    levels = ", ".join(sorted({f"{one.level:.0%}" for one in placed}))
    note = f"Mean over fault maps; band: {levels} interval of that mean. Dashed: without faults."
    return Chart(title=f"Accuracy against {label}{by}", figure=figure, note=note, wide=wide)


def hover(campaign: Campaign, row: Stratum, name: str) -> str:
    """What is shown of a stratum under the pointer."""
    interval = NOTHING if row.accuracy_low is None else f"{percent(row.accuracy_low)} to {percent(row.accuracy_high)}"
    return (
        f"<b>{escaped(name)}</b>, {campaign.under}<br>mean {percent(row.accuracy_mean)} ({interval})"
        f"<br>{points(-row.lost)} points, worst map {percent(row.accuracy_worst)}, {row.maps:,} maps"
    )


def _golden(line: Line, span: tuple[float, float], shown: set[tuple[int | None, float]]) -> list[dict[str, Any]]:
    """A dashed line, unless one at that height is in `shown`; grey where parts of one network share it."""
    height = line.points[0][1].accuracy_golden
    if (line.series, height) in shown:
        return []
    shown.add((line.series, height))
    number = None if line.series is None else line.number
    return [
        {
            "x": [10 ** span[0], 10 ** span[1]], "y": [height, height], "mode": "lines", "showlegend": False,
            "name": "no faults" if number is None else f"{escaped(line.name)}, no faults",
            "meta": meta(line.series, number, role="golden"),
            "line": {"dash": "dash", "width": 1, "color": colour(number)},
            "hovertemplate": "%{fullData.name}: %{y:.2%}<extra></extra>",
        }
    ]  # fmt: skip


def _band(line: Line) -> dict[str, Any]:
    ends = [(one.rate, row.accuracy_low, row.accuracy_high) for one, row in line.points if row.accuracy_low is not None]
    return {
        "x": [rate for rate, _, _ in ends] + [rate for rate, _, _ in reversed(ends)],
        "y": [high for _, _, high in ends] + [low for _, low, _ in reversed(ends)],
        "mode": "lines", "name": escaped(line.name), "showlegend": False, "hoverinfo": "skip",
        "meta": meta(line.series, line.number, role="band"),
        "fill": "toself", "fillcolor": colour(line.number), "line": {"width": 0, "color": colour(line.number)},
    }  # fmt: skip


def _means(line: Line) -> dict[str, Any]:
    own = colour(line.number)
    return {
        "x": [one.rate for one, _ in line.points], "y": [row.accuracy_mean for _, row in line.points],
        "mode": "lines+markers", "name": escaped(line.name), "meta": meta(line.series, line.number, role="mean"),
        "text": [hover(one, row, line.name) for one, row in line.points], "hovertemplate": "%{text}<extra></extra>",
        "line": {"width": 2, "color": own, "dash": line.dash},
        "marker": {"size": 9, "symbol": marker(line.number), "color": own},
    }  # fmt: skip
