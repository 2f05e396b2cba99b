"""A comparison of methods as one self-contained HTML file: accuracy against timesteps and energy, and the table.

Both charts have a logarithmic axis, one line a method, and the source's accuracy dashed. The same rows give the same
bytes. Knows nothing about networks: it is handed figures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log2
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any, NamedTuple

from spikewright.app.pages.page import legend, render, write_page
from spikewright.app.pages.palette import colour, marker
from spikewright.app.pages.plots import decimal_ticks, escaped, layout, log_axis, log_span, meta, share_axis
from spikewright.app.pages.wording import energy_unit, percent, points, three_digits
from spikewright.errors import BadData

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


FEWEST_FENCED = 4  # rows, of which one may be far from the others


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """One network; accuracies are shares 0..1, None is what is not known.

    Attributes:
        method: what made it; rows of one method are joined by a line.
        timesteps: the T that was asked for; None where stages have their own.
        timesteps_mean: mean T over stages.
        latency_steps: steps until the read-out has its whole window.
        accuracy_snn: of the spiking network.
        accuracy_source: of the network that it was made from.
        energy_joules_snn: of one sample.
        spikes_per_neuron: over the whole window.

    Raises:
        BadData: a figure that cannot be: not finite, an accuracy outside 0..1, fewer than 0 steps, joules or spikes.

    """

    method: str
    timesteps: int | None = None
    timesteps_mean: float
    latency_steps: int
    accuracy_snn: float
    accuracy_source: float | None = None
    energy_joules_snn: float | None = None
    spikes_per_neuron: float | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if name == "method" or value is None:
                continue
            most = 1 if name.startswith("accuracy") else float("inf")
            if not (isfinite(value) and 0 <= value <= most) or (name == "timesteps_mean" and value == 0):
                raise BadData(f"a row of {self.method!r} has {name} {value}: evaluate that network again")


def write_comparison(path: Path, rows: Sequence[ComparisonRow], *, title: str, note: str = "") -> None:
    """Write the page, under another name first, so that an interrupted run leaves no half of one.

    Args:
        path: the HTML file; its folder is made if need be.
        rows: the networks, in the order of the table; methods keep the order in which they first appear.
        title: the page's heading, such as the model and the data.
        note: a sentence below it, such as where the energy figures are from.

    Raises:
        BadData: no rows.

    """
    write_page(path, comparison_page(rows, title=title, note=note))


def comparison_page(rows: Sequence[ComparisonRow], *, title: str, note: str = "") -> str:
    """The page as HTML; see `write_comparison`."""
    if not rows:
        raise BadData("a comparison needs at least one row, got none: evaluate a network first")
    methods = list(dict.fromkeys(row.method for row in rows))
    scale, unit = energy_unit(row.energy_joules_snn for row in rows)
    below = off_scale(rows)
    figures = [("Accuracy and timesteps", _chart(rows, _TIMESTEPS))]
    if any(row.energy_joules_snn for row in rows):
        figures.append(("Accuracy and energy", _chart(rows, _energy(scale, unit))))
    return render(
        "comparison.html",
        title=title,
        note=note,
        methods=legend(methods),
        figures=[
            {"title": heading, "note": _note(below), "content": figure.to_plotly_json()} for heading, figure in figures
        ],
        sources=["one" if method is None else "own" for method, _ in _source_lines(rows)],
        head=_head(unit),
        table=[(methods.index(row.method), _cells(row, scale)) for row in rows],
    )


# The table ------------------------------------------------------------------------------------


def _head(unit: str) -> list[str]:
    energy, spikes = f"Energy per sample ({unit})", "Spikes per neuron"
    return ["Method", "T", "Accuracy", "To source (points)", "Mean T", "Latency (steps)", energy, spikes]


def _cells(row: ComparisonRow, scale: float) -> list[str]:
    change = None if row.accuracy_source is None else row.accuracy_snn - row.accuracy_source
    energy = None if row.energy_joules_snn is None else row.energy_joules_snn / scale
    return [
        row.method,
        "mixed" if row.timesteps is None else str(row.timesteps),
        percent(row.accuracy_snn),
        points(change),
        f"{round(row.timesteps_mean, 2):g}",
        str(row.latency_steps),
        three_digits(energy),
        three_digits(row.spikes_per_neuron),
    ]


# The charts -----------------------------------------------------------------------------------


class _Axis(NamedTuple):
    """What lies along a chart: its label, where a row is (None: not in this chart), and the ticks of a range."""

    label: str
    place: Callable[[ComparisonRow], float | None]
    ticks: Callable[[float, float], list[float]]


def _powers_of_two(low: float, high: float) -> list[float]:
    return [2.0**power for power in range(ceil(log2(low)), floor(log2(high)) + 1)] or [round((low * high) ** 0.5, 2)]


_TIMESTEPS = _Axis("mean timesteps of a stage", lambda row: row.timesteps_mean, _powers_of_two)


def _energy(scale: float, unit: str) -> _Axis:
    """A silent network, of no energy, has no place on a logarithmic axis; it is in the table."""
    return _Axis(
        f"energy per sample ({unit})", lambda row: (row.energy_joules_snn or 0.0) / scale or None, decimal_ticks
    )


def _chart(rows: Sequence[ComparisonRow], axis: _Axis) -> "Figure":
    """One line a method; `meta` tells the page's script whose line it is."""
    from plotly import graph_objects  # noqa: PLC0415

    methods = list(dict.fromkeys(row.method for row in rows))
    placed = [(place, row) for row in rows if (place := axis.place(row)) is not None]
    left, right = log_span([place for place, _ in placed])
    ticks = axis.ticks(10**left, 10**right)
    across = log_axis(axis.label, (left, right), ticks, [f"{tick:g}" for tick in ticks])
    figure = graph_objects.Figure(layout=layout(across, _accuracy_axis(rows)))
    for method, accuracy in _source_lines(rows):
        index = None if method is None else methods.index(method)
        _add_source_line(figure, method, accuracy, index=index, ends=[10**left, 10**right])
    for index, method in enumerate(methods):
        own = sorted((pair for pair in placed if pair[1].method == method), key=lambda pair: pair[0])
        if own:
            figure.add_scatter(
                x=[place for place, _ in own],
                y=[row.accuracy_snn for _, row in own],
                mode="lines+markers",
                name=method,
                meta=meta(index, index, source=False),
                text=[_hover(row) for _, row in own],
                hovertemplate="%{text}<extra></extra>",
                line={"width": 2, "color": colour(index)},
                marker={"size": 11, "symbol": marker(index), "color": colour(index)},
            )
    return figure


def off_scale(rows: Sequence[ComparisonRow]) -> list[ComparisonRow]:
    """Rows so far below the others that an axis with them would press all others together.

    Below the first quartile by more than three times the distance of the quartiles, or by three points (the outer fence
    of Tukey 1977), unless they are more than a quarter, when they are part of the picture.
    """
    found = sorted(row.accuracy_snn for row in rows)
    if len(found) < FEWEST_FENCED:
        return []
    first, _, third = quantiles(found, n=4, method="inclusive")
    fence = first - 3 * max(third - first, 0.01)
    return [row for row in rows if row.accuracy_snn < fence]


def _note(below: Sequence[ComparisonRow]) -> str:
    if not below:
        return ""
    named = ", ".join(
        f"{row.method}{'' if row.timesteps is None else f' at T = {row.timesteps}'} ({percent(row.accuracy_snn)})"
        for row in below
    )
    return f"Below the axis, far from all others: {named}."


def _accuracy_axis(rows: Sequence[ComparisonRow]) -> dict[str, Any]:
    """Over all rows; without those that are far below, where there are any."""
    below = off_scale(rows)
    if not below:
        return share_axis("accuracy")
    shown = [row.accuracy_snn for row in rows if row not in below]
    shown += [row.accuracy_source for row in rows if row.accuracy_source is not None and row not in below]
    room = max(0.06 * (max(shown) - min(shown)), 0.002)
    return {**share_axis("accuracy"), "autorange": False, "range": [min(shown) - room, min(max(shown) + room, 1.01)]}


def _add_source_line(
    figure: "Figure", method: str | None, accuracy: float, *, index: int | None, ends: list[float]
) -> None:
    """The dashed accuracy of a method's source; that of all methods, None, has its figure written on it."""
    figure.add_scatter(
        x=ends,
        y=[accuracy, accuracy],
        mode="lines",
        name="source" if method is None else f"source of {escaped(method)}",
        meta=meta(index, index, source=True),
        hovertemplate="%{fullData.name}: %{y:.2%}<extra></extra>",
        line={"dash": "dash", "width": 1.5, "color": colour(index)},
    )
    if method is None:
        figure.add_annotation(
            {"xref": "paper", "x": 0, "y": accuracy, "xanchor": "left", "yanchor": "bottom", "showarrow": False},
            text=f"source {accuracy:.2%}",
            font_size=12,
        )


def _hover(row: ComparisonRow) -> str:
    asked = "" if row.timesteps is None else f", T = {row.timesteps}"
    return (
        f"<b>{escaped(row.method)}</b>{asked}<br>accuracy {row.accuracy_snn:.2%}"
        f"<br>mean T {round(row.timesteps_mean, 2):g}, latency {row.latency_steps} steps"
    )


def _source_lines(rows: Sequence[ComparisonRow]) -> list[tuple[str | None, float]]:
    """Whose source has which accuracy; one line for all (None), if all have the same."""
    found = [(row.method, row.accuracy_source) for row in rows if row.accuracy_source is not None]
    if len({accuracy for _, accuracy in found}) == 1:
        return [(None, found[0][1])]
    return list(dict.fromkeys(found))
