"""Axes of names: order, escaping, shortening."""

from hypothesis import given
from hypothesis import strategies as some
from plotly.graph_objects import Figure

from spikewright.app.pages.charts import LONGEST, Chart, height_of, named_axis, shortened


def test_names_keep_their_order_and_are_text() -> None:
    made = named_axis(["b", "<i>", "a"], label="where", downwards=True)
    assert made["categoryarray"] == made["tickvals"] == made["ticktext"] == ["b", "&lt;i&gt;", "a"]
    assert (made["type"], made["range"], made["title"]["text"]) == ("category", [2.5, -0.5], "where")
    assert named_axis(["b", "a"])["range"] == [-0.5, 1.5]


def test_names_that_are_alike_in_what_is_shown_stay_apart() -> None:
    names = ["features.block" + middle + ".convolution.weight" for middle in ("1" * 20, "2" * 20)]
    made = named_axis(names)
    assert made["tickvals"] == names
    assert made["ticktext"][0] == made["ticktext"][1]


@given(some.text(max_size=80), some.integers(5, 60))
def test_what_is_shown_is_no_longer_than_asked_and_keeps_both_ends(name: str, longest: int) -> None:
    shown = shortened(name, longest)
    assert len(shown) <= longest
    assert shown == name or (name.startswith(shown.split("…")[0][:2]) and shown[-2:] == name[-2:])
    assert len(shortened("x" * 100)) <= LONGEST


def test_a_chart_says_what_the_template_reads() -> None:
    made = Chart(title="t", figure=Figure(), note="n", wide=True).values()
    assert {key: made[key] for key in ("title", "note", "wide", "height")} == {
        "title": "t", "note": "n", "wide": True, "height": None
    }  # fmt: skip
    assert made["content"] == Figure().to_plotly_json()
    assert height_of(40) > height_of(10) > 0
