"""Reading of single figures: what passes, and what each refusal says."""

from typing import Any

import pytest

from spikewright.app.pages.fields import Fields
from spikewright.errors import BadData


def fields(**raw: Any) -> Fields:
    return Fields(raw=raw, what="row 'x'", way_out="write it again")


def test_what_is_there_is_read_and_what_is_not_is_none() -> None:
    found = fields(a=0.5, n=3, t="fc1", yes=True, items=[1, 2], low=0.1, middle=0.2, high=0.4, nothing=None)
    assert (found.number("a"), found.count("n"), found.text("t"), found.truth("yes")) == (0.5, 3, "fc1", True)
    assert (list(found.items("items")), found.interval("low", "middle", "high")) == ([1, 2], (0.1, 0.4))
    assert (found.maybe_number("nothing"), found.count("no"), found.truth("no")) == (None, None, None)
    assert (found.text("no", "else"), list(found.items("no")), found.interval("no", "a", "nope")) == (
        "else",
        [],
        (None, None),
    )
    assert fields(shares=[0, 0.5, 1]).shares("shares") == (0.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("read", "raw", "message"),
    [
        (lambda one: one.number("a"), {}, "row 'x' has no a: write it again"),
        (lambda one: one.number("a", most=1.0), {"a": 93.0}, "has a 93.0, not a number of 0 to 1"),
        (lambda one: one.number("a"), {"a": float("nan")}, "has a nan"),
        (lambda one: one.number("a"), {"a": "0.5"}, "has a '0.5', which is no number"),
        (lambda one: one.number("a"), {"a": True}, "which is no number"),
        (lambda one: one.count("n"), {"n": 2.5}, "not a whole number"),
        (lambda one: one.text("t"), {"t": 3}, "which is no text"),
        (lambda one: one.truth("p"), {"p": 1}, "neither true nor false"),
        (lambda one: one.items("i"), {"i": "abc"}, "of kind str, not a list"),
        (lambda one: one.shares("s"), {"s": [0.5, 1.5]}, "has s that are not all from 0 to 1"),
        (lambda one: one.shares("s"), {"s": [0.5, "1"]}, "has s that are not all from 0 to 1"),
        (lambda one: one.interval("l", "m", "h"), {"l": 0.5, "m": 0.4, "h": 0.6}, "l, m, h of 0.5, 0.4, 0.6"),
        (lambda one: one.interval("l", "m", "h"), {"l": 0.5, "m": 0.6}, "l, m, h of 0.5, 0.6, None"),
        (lambda one: one.interval("l", "m", "h"), {"l": 0.5, "h": 0.6}, "l, m, h of 0.5, None, 0.6"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(read: Any, raw: dict[str, Any], message: str) -> None:
    with pytest.raises(BadData) as refused:
        read(fields(**raw))
    assert message in str(refused.value)
    assert str(refused.value).endswith("write it again")
    assert "\n" not in str(refused.value)


def test_only_objects_are_read() -> None:
    with pytest.raises(BadData, match="row 'x' is a list, not a JSON object"):
        Fields(raw=[1], what="row 'x'", way_out="write it again")  # pyright: ignore[reportArgumentType]
