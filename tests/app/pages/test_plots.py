"""The common parts of figures: ticks against a list by hand, spans against logarithms."""

from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as some

from spikewright.app.pages.plots import decimal_ticks, escaped, layout, log_span, meta, share_axis


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (2.0, 3.5, [2, 3]),
        (0.9, 22.0, [1, 2, 5, 10, 20]),
        (9e-6, 0.11, [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]),
    ],
)
def test_ticks(low: float, high: float, ticks: list[float]) -> None:
    assert decimal_ticks(low, high) == pytest.approx(ticks)


@given(some.lists(some.floats(1e-9, 1e9), min_size=1, max_size=6))
def test_a_span_holds_all_places_with_room_on_either_side(places: list[float]) -> None:
    left, right = log_span(places)
    room = max(0.06 * (log10(max(places)) - log10(min(places))), 0.1)
    assert left == pytest.approx(log10(min(places)) - room)
    assert right == pytest.approx(log10(max(places)) + room)


def test_plotly_reads_no_tags_in_escaped_text() -> None:
    assert escaped("<a href='x'>R&D</a>") == "&lt;a href='x'&gt;R&amp;D&lt;/a&gt;"


def test_parts_of_a_layout() -> None:
    made = layout({"a": 1}, share_axis("accuracy"), barmode="group")
    assert (made["xaxis"], made["barmode"], made["yaxis"]["title"]["text"]) == ({"a": 1}, "group", "accuracy")
    assert made["yaxis"]["tickformat"].endswith("%")
    assert meta(2, None, source=True) == {"series": 2, "colour": None, "source": True}


def test_a_logarithmic_axis_is_written_on_as_asked() -> None:
    from spikewright.app.pages.plots import log_axis

    made = log_axis("rate", (-4, -1), [1e-4, 1e-2], ["low", "high"])
    assert (made["type"], made["range"]) == ("log", [-4, -1])
    assert (made["tickvals"], made["ticktext"]) == ([1e-4, 1e-2], ["low", "high"])
