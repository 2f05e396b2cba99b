"""What all figures of the pages have in common: the layout, axes of shares, ticks of a logarithmic axis.

A trace says in its `meta` whose it is: `series`, which a button of the legend shows and hides (None: nobody's,
always shown), and `colour`, a number of the palette (None: grey). The page's script reads both (`page.html`).
"""

from math import ceil, floor, log10
from typing import Any

FONT = {"family": "system-ui, sans-serif", "size": 13}


def escaped(text: str) -> str:
    """Text as plotly shows it: it reads a few tags of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def meta(series: int | None, colour: int | None, **more: Any) -> dict[str, Any]:
    """Whose trace it is."""
    return {"series": series, "colour": colour, **more}


def layout(xaxis: dict[str, Any], yaxis: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A figure's layout around its two axes."""
    return {
        "template": "none",
        "showlegend": False,
        "uirevision": "as the reader zoomed it",
        "hovermode": "closest",
        "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
        "font": dict(FONT),
        "xaxis": xaxis,
        "yaxis": yaxis,
        **more,
    }


def axis(label: str, **more: Any) -> dict[str, Any]:
    """An axis with a label."""
    return {"title": {"text": label, "standoff": 8}, "automargin": True, "zeroline": False, **more}


def share_axis(label: str) -> dict[str, Any]:
    """An axis of shares in percent, over what the reader leaves visible."""
    return axis(
        label,
        autorange=True,
        autorangeoptions={"clipmin": -0.01, "clipmax": 1.01},
        tickformat=".2~%",
        nticks=7,
    )


def log_axis(label: str, span: tuple[float, float], ticks: list[float], texts: list[str]) -> dict[str, Any]:
    """A logarithmic axis; `span` holds the logarithms to base 10 of its ends."""
    return axis(label, type="log", range=list(span), tickvals=ticks, ticktext=texts)


def log_span(places: list[float]) -> tuple[float, float]:
    """The ends of a logarithmic axis with some room around the places, as logarithms to base 10."""
    ends = [log10(place) for place in places]
    room = max(0.06 * (max(ends) - min(ends)), 0.1)
    return min(ends) - room, max(ends) + room


def decimal_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10 …; all digits over a short range, powers of ten only over more than two decades."""
    steps = (1,) if high / low > 100 else (1, 2, 5) if high / low > 8 else range(1, 10)
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    return [step * 10.0**decade for decade in decades for step in steps if low <= step * 10.0**decade <= high]
