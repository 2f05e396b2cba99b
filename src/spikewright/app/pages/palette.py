"""What tells one thing on a page from another: a colour of its own, and a marker of its own besides.

The seven colours of either setting have a contrast of 3:1 with the page (WCAG 1.4.11) and stay apart (ΔE of 20
or more in CIELAB) for every kind of dichromatic sight; found by search, held by the test. Figures are drawn in the
light ones; the page's script repaints them (`page.html`).
"""

LIGHT = ("#0f3b7c", "#f06f05", "#0aaa6d", "#b57bb3", "#763d07", "#5d6afa", "#513f44")
DARK = ("#358af5", "#ec7236", "#23e481", "#c87bc0", "#f4d41d", "#b1edeb", "#a99991")
GREY = "#5b626b"  # of what belongs to no series; the page's script takes its own
MARKERS = ("circle", "square", "diamond", "triangle-up", "triangle-down")  # 5 and 7: 35 pairs before one returns


def colour(index: int | None) -> str:
    """The light colour of the series with this number; None: grey."""
    return GREY if index is None else LIGHT[index % len(LIGHT)]


def marker(index: int) -> str:
    """Plotly's name of the marker of the series with this number."""
    return MARKERS[index % len(MARKERS)]
