"""A comparison of methods as one self-contained HTML file: accuracy against timesteps and energy, and the table.

Both charts have a logarithmic axis, one line a method, and the source's accuracy dashed. plotly.js is inside
the file, so it opens without a network; colours follow the reader's light or dark setting (the page's script
repaints the figures, `comparison.html`). The same rows give the same bytes. Knows nothing about networks: it is
handed figures.

The seven colours of either setting have a contrast of 3:1 with the page (WCAG 1.4.11) and stay apart (ΔE of 20
or more in CIELAB) for every kind of dichromatic sight; found by search, held by the test. Methods have markers of
their own besides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import ceil, floor, isfinite, log2, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spikewright.errors import BadData

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LIGHT = ("#0f3b7c", "#f06f05", "#0aaa6d", "#b57bb3", "#763d07", "#5d6afa", "#513f44")
DARK = ("#358af5", "#ec7236", "#23e481", "#c87bc0", "#f4d41d", "#b1edeb", "#a99991")
GREY = "#5b626b"  # of what belongs to no method; the page's script takes its own
MARKERS = ("circle", "square", "diamond", "triangle-up", "triangle-down")  # 5 and 7: 35 pairs before one returns
PREFIXES = ((1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ"), (1e-12, "pJ"))
NOTHING = "–"


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
    text = comparison_page(rows, title=title, note=note)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def comparison_page(rows: Sequence[ComparisonRow], *, title: str, note: str = "") -> str:
    """The page as HTML; see `write_comparison`."""
    from jinja2 import Environment  # noqa: PLC0415
    from plotly.offline import get_plotlyjs  # noqa: PLC0415

    if not rows:
        raise BadData("a comparison needs at least one row, got none: evaluate a network first")
    methods = list(dict.fromkeys(row.method for row in rows))
    scale, unit = _energy_unit(rows)
    figures = [("Accuracy and timesteps", _chart(rows, _TIMESTEPS))]
    if any(row.energy_joules_snn for row in rows):
        figures.append(("Accuracy and energy", _chart(rows, _energy(scale, unit))))
    template = files("spikewright.report").joinpath("comparison.html").read_text(encoding="utf-8")
    return (
        Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        .from_string(template)
        .render(
            title=title,
            note=note,
            methods=[
                {"name": method, "colour": index % len(LIGHT), "marker": MARKERS[index % len(MARKERS)]}
                for index, method in enumerate(methods)
            ],
            figures=[{"title": heading, "content": figure.to_plotly_json()} for heading, figure in figures],
            sources=["one" if method is None else "own" for method, _ in _source_lines(rows)],
            head=_head(unit),
            table=[(methods.index(row.method), _cells(row, scale)) for row in rows],
            palettes={"light": LIGHT, "dark": DARK},
            plotly=get_plotlyjs(),
        )
    )


# The table ------------------------------------------------------------------------------------


def _head(unit: str) -> list[str]:
    energy, spikes = f"Energy per sample ({unit})", "Spikes per neuron"
    return ["Method", "T", "Accuracy", "To source (points)", "Mean T", "Latency (steps)", energy, spikes]


def _cells(row: ComparisonRow, scale: float) -> list[str]:
    change = None if row.accuracy_source is None else 100 * (row.accuracy_snn - row.accuracy_source)
    energy = None if row.energy_joules_snn is None else row.energy_joules_snn / scale
    return [
        row.method,
        "mixed" if row.timesteps is None else str(row.timesteps),
        f"{row.accuracy_snn:.2%}",
        NOTHING if change is None else f"{round(change, 2) + 0:+.2f}".replace("-", "−"),
        f"{round(row.timesteps_mean, 2):g}",
        str(row.latency_steps),
        NOTHING if energy is None else _three_digits(energy),
        NOTHING if row.spikes_per_neuron is None else _three_digits(row.spikes_per_neuron),
    ]


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def _energy_unit(rows: Sequence[ComparisonRow]) -> tuple[float, str]:
    """The largest unit in which the largest energy is at least 1."""
    largest = max((row.energy_joules_snn or 0.0 for row in rows), default=0.0)
    return next((pair for pair in PREFIXES if largest >= pair[0]), PREFIXES[-1])


# The charts -----------------------------------------------------------------------------------


class _Axis(NamedTuple):
    """What lies along a chart: its label, where a row is (None: not in this chart), and the ticks of a range."""

    label: str
    place: Callable[[ComparisonRow], float | None]
    ticks: Callable[[float, float], list[float]]


def _powers_of_two(low: float, high: float) -> list[float]:
    return [2.0**power for power in range(ceil(log2(low)), floor(log2(high)) + 1)] or [round((low * high) ** 0.5, 2)]


def _decimal(low: float, high: float) -> list[float]:
    """1, 2, 5, 10 …; all digits over a short range, powers of ten only over more than two decades."""
    steps = (1,) if high / low > 100 else (1, 2, 5) if high / low > 8 else range(1, 10)
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    return [step * 10.0**decade for decade in decades for step in steps if low <= step * 10.0**decade <= high]


_TIMESTEPS = _Axis("mean timesteps of a stage", lambda row: row.timesteps_mean, _powers_of_two)


def _energy(scale: float, unit: str) -> _Axis:
    """A silent network, of no energy, has no place on a logarithmic axis; it is in the table."""
    return _Axis(f"energy per sample ({unit})", lambda row: (row.energy_joules_snn or 0.0) / scale or None, _decimal)


def _chart(rows: Sequence[ComparisonRow], axis: _Axis) -> "Figure":
    """One line a method; `meta` tells the page's script whose line it is."""
    from plotly import graph_objects  # noqa: PLC0415

    methods = list(dict.fromkeys(row.method for row in rows))
    placed = [(place, row) for row in rows if (place := axis.place(row)) is not None]
    ends = [log10(place) for place, _ in placed]
    room = max(0.06 * (max(ends) - min(ends)), 0.1)
    left, right = min(ends) - room, max(ends) + room
    figure = graph_objects.Figure(layout=_layout(axis, (left, right)))
    for method, accuracy in _source_lines(rows):
        index = None if method is None else methods.index(method)
        figure.add_scatter(
            x=[10**left, 10**right],
            y=[accuracy, accuracy],
            mode="lines",
            name="source" if method is None else f"source of {method}",
            meta={"method": index, "source": True},
            hovertemplate="%{fullData.name}: %{y:.2%}<extra></extra>",
            line={"dash": "dash", "width": 1.5, "color": GREY if index is None else _colour(index)},
        )
        if method is None:
            figure.add_annotation(
                {"xref": "paper", "x": 0, "y": accuracy, "xanchor": "left", "yanchor": "bottom", "showarrow": False},
                text=f"source {accuracy:.2%}",
                font_size=12,
            )
    for index, method in enumerate(methods):
        own = sorted((pair for pair in placed if pair[1].method == method), key=lambda pair: pair[0])
        if own:
            figure.add_scatter(
                x=[place for place, _ in own],
                y=[row.accuracy_snn for _, row in own],
                mode="lines+markers",
                name=method,
                meta={"method": index, "source": False},
                text=[_hover(row) for _, row in own],
                hovertemplate="%{text}<extra></extra>",
                line={"width": 2, "color": _colour(index)},
                marker={"size": 11, "symbol": MARKERS[index % len(MARKERS)], "color": _colour(index)},
            )
    return figure


def _colour(index: int) -> str:
    return LIGHT[index % len(LIGHT)]


def _layout(axis: _Axis, span: tuple[float, float]) -> dict[str, Any]:
    ticks = axis.ticks(10 ** span[0], 10 ** span[1])
    return {
        "template": "none",
        "showlegend": False,
        "uirevision": "as the reader zoomed it",
        "hovermode": "closest",
        "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
        "font": {"family": "system-ui, sans-serif", "size": 13},
        "xaxis": {
            "type": "log",
            "range": list(span),
            "tickvals": ticks,
            "ticktext": [f"{tick:g}" for tick in ticks],
            "title": {"text": axis.label, "standoff": 8},
            "automargin": True,
            "zeroline": False,
        },
        "yaxis": {
            "autorange": True,  # over the methods that the reader leaves visible
            "autorangeoptions": {"clipmin": -0.01, "clipmax": 1.01},
            "tickformat": ".2~%",
            "nticks": 7,
            "title": {"text": "accuracy", "standoff": 8},
            "automargin": True,
            "zeroline": False,
        },
    }


def _hover(row: ComparisonRow) -> str:
    asked = "" if row.timesteps is None else f", T = {row.timesteps}"
    return (
        f"<b>{_escaped(row.method)}</b>{asked}<br>accuracy {row.accuracy_snn:.2%}"
        f"<br>mean T {round(row.timesteps_mean, 2):g}, latency {row.latency_steps} steps"
    )


def _escaped(text: str) -> str:
    """Text as plotly shows it: it reads a few tags of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _source_lines(rows: Sequence[ComparisonRow]) -> list[tuple[str | None, float]]:
    """Whose source has which accuracy; one line for all (None), if all have the same."""
    found = [(row.method, row.accuracy_source) for row in rows if row.accuracy_source is not None]
    if len({accuracy for _, accuracy in found}) == 1:
        return [(None, found[0][1])]
    return list(dict.fromkeys(found))
