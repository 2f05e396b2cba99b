"""A figure with its heading, as the templates take it, and axes of named things.

Knows nothing about what is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spikewright.app.pages.plots import axis, escaped

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ROOM = {"l": 8, "r": 12, "t": 30, "b": 8}  # margins of a chart whose first bar would be under the buttons
LONGEST = 28  # characters of a name beside an axis; a longer one loses its middle there, not in the table


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One section of a page.

    Attributes:
        title: its heading.
        figure: the plotly figure.
        note: a sentence below the heading.
        height: in rem; None takes the usual one.
        wide: over the whole width of the page.
    """

    title: str
    figure: "Figure"
    note: str = ""
    height: float | None = None
    wide: bool = False

    def values(self) -> dict[str, Any]:
        """What the template's `chart` reads."""
        return {
            "title": self.title,
            "note": self.note,
            "height": self.height,
            "wide": self.wide,
            "content": self.figure.to_plotly_json(),
        }


def named_axis(
    names: Sequence[str], *, label: str = "", downwards: bool = False, longest: int = LONGEST
) -> dict[str, Any]:
    """An axis of names, in their order; traces give the names `escaped`.

    Args:
        names: each once.
        label: of the axis; "" for none.
        downwards: the first one is at the top.
        longest: characters of a name that stand there.
    """
    places = [escaped(name) for name in names]
    return axis(
        label,
        type="category",
        categoryorder="array",
        categoryarray=places,
        tickmode="array",
        tickvals=places,
        ticktext=[escaped(shortened(name, longest)) for name in names],
        range=[len(names) - 0.5, -0.5] if downwards else [-0.5, len(names) - 0.5],
        showgrid=False,
        ticks="",
    )


def shortened(name: str, longest: int = LONGEST) -> str:
    """The name without its middle, where it is too long to stand beside an axis."""
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def height_of(bars: int) -> float:
    """Rem that so many horizontal bars need."""
    return max(12.0, 5.0 + 1.5 * bars)
