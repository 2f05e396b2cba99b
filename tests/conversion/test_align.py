"""Joining: which alignment each edge gets, against a slow rule written down here, on random graphs."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.handmade import firing, node, plan

from spikewright.conversion.align import Joining
from spikewright.errors import BadSetting
from spikewright.snn.alignments.average import Average
from spikewright.snn.alignments.replicate import Replicate
from spikewright.snn.alignments.truncate import Truncate
from spikewright.snn.code import Code
from spikewright.snn.nodes import Edge, Node, Stage
from spikewright.snn.schedules.two_phase import TwoPhase
from spikewright.snn.time_courses import TimeCourse

CHOICES = ["average", "replicate", "average,truncate", "replicate,average", "replicate,truncate", "average,replicate"]


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    """Nodes that fire at 1 to 5 steps or pass values on, each reading one to three earlier ones; the last is read out.

    No node is left unread, as none is in a plan that staging makes.
    """
    nodes: list[Node] = []
    for index in range(draw(st.integers(1, 7))):
        names = ["input", *(one.name for one in nodes)]
        read = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
        steps = draw(st.integers(0, 5))
        nodes.append(node(f"n{index}", *read, fires=firing(Code.rate(steps)) if steps else None))
    unread = {one.name for one in nodes} - {name for one in nodes for name in one.inputs}
    return [*nodes, node("out", *sorted(unread))]


def _length(name: str, nodes: list[Node]) -> int | None:
    """Steps that a value lasts, or None where nothing that fires depends on it and it lasts as long as it does."""
    if name == "input":
        return 1
    one = next(one for one in nodes if one.name == name)
    if isinstance(one, Stage):
        return one.firing.code.timesteps
    readers = [reader for reader in nodes if name in reader.inputs]
    wanted = [_length(reader.name, nodes) for reader in readers]
    return max((steps for steps in wanted if steps is not None), default=None)


@given(graphs(), st.sampled_from(CHOICES))
def test_every_edge_gets_what_the_rule_says(nodes: list[Node], text: str) -> None:
    expansion, reduction = (text.split(",") * 2)[:2]
    kinds = {"average": Average, "replicate": Replicate, "truncate": Truncate}
    aligned = Joining.parse(text).align(nodes)
    assert [replace(one, edges=()) for one in aligned] == [replace(one, edges=()) for one in nodes]
    for one in aligned:
        wanted = _length(one.name, nodes)
        for edge, read in zip(one.edges, next(n for n in nodes if n.name == one.name).inputs, strict=True):
            assert edge.source == read
            given_steps = _length(read, nodes)
            if wanted is None:
                assert edge.alignment is None
            elif given_steps == wanted:
                assert edge.alignment == (Average(wanted) if text == "average" and wanted > 1 else None)
            else:
                assert given_steps is not None
                kind = kinds[expansion if given_steps < wanted else reduction]
                assert edge.alignment == kind(wanted)


@given(graphs(), st.sampled_from(CHOICES))
def test_what_is_joined_is_a_plan(nodes: list[Node], text: str) -> None:
    """Every stage receives as many steps as it runs; all equal ones, where everything is averaged."""
    made = plan(*Joining.parse(text).align(nodes))
    for one in made.stages:
        drive = made.drives[one.name]
        assert drive.steps == one.firing.code.timesteps
        if text == "average":
            assert drive.constant


def test_a_stage_that_waits_takes_trains_as_they_are() -> None:
    waiting = firing(Code.bit_planes(3), schedule=TwoPhase())
    nodes = [node("a", "input", fires=waiting), node("b", "a", fires=waiting), node("out", "b")]
    assert Joining.parse("average").align(nodes) == tuple(nodes)


def test_one_stage_feeds_two_of_different_length() -> None:
    nodes = [
        node("a", "input", fires=firing(Code.rate(4))),
        node("long", "a", fires=firing(Code.rate(6))),
        node("short", "a", fires=firing(Code.rate(2))),
        node("both", "long", "short"),
        node("last", "both", fires=firing(Code.rate(3))),
        node("out", "last"),
    ]
    aligned = {one.name: one.edges for one in Joining.parse("replicate,truncate").align(nodes)}
    assert aligned == {
        "a": (Edge("input", Replicate(4)),),
        "long": (Edge("a", Replicate(6)),),
        "short": (Edge("a", Truncate(2)),),
        "both": (Edge("long", Truncate(3)), Edge("short", Replicate(3))),
        "last": (Edge("both"),),
        "out": (Edge("last"),),
    }
    assert plan(*Joining.parse("replicate,truncate").align(nodes)).drives["last"] == TimeCourse(3, False)


def test_parsing() -> None:
    assert Joining.parse("average") == Joining("average", "average")
    assert Joining.parse(" replicate , truncate ") == Joining("replicate", "truncate")
    assert [text for text in CHOICES if Joining.parse(text).exact] == ["average"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mean", "no alignment named 'mean': choose among average, replicate, truncate"),
        ("average,first", "no alignment named 'first': choose among average, replicate, truncate"),
        ("", "no alignment named '': choose among"),
        ("truncate", "truncate cannot expand a train: choose average or replicate for expansion"),
        ("truncate,average", "truncate cannot expand a train"),
        ("average,average,average", "give one name, or two as expansion,reduction"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(BadSetting, match=message) as caught:
        Joining.parse(text)
    assert "\n" not in str(caught.value)
