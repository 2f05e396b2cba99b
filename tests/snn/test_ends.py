"""Plans of several inputs and read-outs: what fits, what they are called by, and what is refused."""

from dataclasses import replace

import pytest
from support.handmade import firing, node

from spikewright.errors import BadPlan
from spikewright.measure.cost.latency import latency_steps
from spikewright.snn.code import Code
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.ends import PlanInput, Readout
from spikewright.snn.plan import Plan
from spikewright.snn.signature import signature
from spikewright.snn.time_courses import TimeCourse

LEFT, RIGHT = (PlanInput(name=name, shape=(2,), encoder=Repeat(timesteps=4)) for name in ("left", "right"))
NODES = (
    node("a", "left", fires=firing(Code.rate(4))),
    node("out", "a"),
    node("b", "right", fires=firing(Code.rate(4))),
    node("deep", "b", fires=firing(Code.rate(9))),
    node("late", "deep"),
)
READ = (Readout(name="first", node="out"), Readout(name="second", node="late"))
PLAN = Plan(inputs=(LEFT, RIGHT), nodes=NODES, readouts=READ)


def test_what_several_ends_are_called_by() -> None:
    assert {name: read.name for name, read in PLAN.outputs.items()} == {"first": "out", "second": "late"}
    assert PLAN.courses["left"] == PLAN.courses["right"] == TimeCourse(4, True)
    assert list(PLAN.shapes) == ["left", "right", "a", "out", "b", "deep", "late"]
    assert [one.name for one in PLAN.consumers["right"]] == ["b"]
    assert PLAN.encoder == Repeat(timesteps=4)
    assert PLAN.with_input(encoder=Repeat(timesteps=3)).inputs[1].encoder == Repeat(timesteps=3)


def test_latency_is_that_of_the_latest_output() -> None:
    only = replace(PLAN, readouts=READ[:1])
    assert (latency_steps(only), latency_steps(PLAN)) == (4, 9)


def test_ids_are_ones_among_zeros() -> None:
    ids = PlanInput(name="input", shape=(2,), encoder=Graded(), ids=5)
    assert (ids.shape, ids.sample_shape, ids.value_shape) == ((2,), (2,), (2, 5))


def test_any_end_shows_in_the_text() -> None:
    others = [
        PLAN,
        replace(PLAN, readouts=READ[:1]),
        replace(PLAN, readouts=READ[1:]),
        replace(PLAN, readouts=(READ[0], replace(READ[1], name="third"))),
        replace(PLAN, inputs=(LEFT, replace(RIGHT, shape=(3,)))),
        replace(PLAN, inputs=(LEFT, replace(RIGHT, ids=2))),
    ]
    assert len({signature(each) for each in others}) == len(others)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"inputs": ()}, "needs inputs, each with a name of its own; this one has none"),
        ({"inputs": (LEFT, LEFT)}, "this one has 'left', 'left'"),
        ({"inputs": (LEFT,)}, "a single input is named 'input'; this one is 'left'"),
        ({"inputs": (LEFT, replace(RIGHT, encoder=Graded()))}, "'left' and 'right' come by different encoders"),
        ({"inputs": (LEFT, replace(RIGHT, shape=(0,)))}, r"input 'right' has shape \(0,\)"),
        ({"inputs": (LEFT, replace(RIGHT, name="b"))}, "node 'b' reads 'right', which no earlier node makes"),
        ({"readouts": ()}, "needs read-outs, each with a name and a node of its own; this one has none"),
        ({"readouts": (READ[0], replace(READ[0], name="again"))}, "a name and a node of its own"),
        ({"readouts": (READ[0], replace(READ[1], name="first"))}, "this one has 'first', 'first'"),
        ({"readouts": (Readout(name="x", node="nowhere"),)}, "'x' is read out of 'nowhere', which is no node"),
        ({"readouts": (Readout(name="x", node="b"),)}, "node 'b' must be a read-out, which does not fire"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(BadPlan, match=words) as caught:
        replace(PLAN, **change)  # pyright: ignore[reportArgumentType]
    assert "\n" not in str(caught.value)


def test_nothing_reads_a_read_out() -> None:
    with pytest.raises(BadPlan, match="node 'more' reads the read-out 'out': let it read what that reads"):
        Plan(inputs=(LEFT, RIGHT), nodes=(*NODES, node("more", "out")), readouts=(READ[0], Readout(node="more")))


@pytest.mark.parametrize(("ask", "words"), [("input", "has 2 inputs"), ("readout", "has 2 outputs")])
def test_one_is_asked_for_where_there_are_two(ask: str, words: str) -> None:
    with pytest.raises(BadPlan, match=words):
        getattr(PLAN, ask)
