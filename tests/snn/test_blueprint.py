"""Blueprints with stored weights: what they are worth, and what is refused."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.by_hand import conv2d
from torch import Tensor

from spikewright.ann.ops.products import Conv, Linear
from spikewright.ann.source import INPUT
from spikewright.errors import BadPlan
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.encoders.direct import Direct
from spikewright.snn.formats.binary import Binary
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.nodes import AnyFormat, Edge, Node
from spikewright.snn.plan import Plan

SIGNS = torch.tensor([[1, -1, 1], [-1, -1, 1]])
GAIN = torch.tensor([0.5, -2.0])


def blueprint(weight: Tensor, gain: Tensor | None, *, saved: AnyFormat | None = None, op: Any = None) -> Blueprint:
    """A read-out alone, that stores its weight."""
    op, image = op or Linear(), (weight.shape[1], 4, 4)
    shape = (3,) if isinstance(op, Linear) else image
    value = op([torch.zeros(1, *shape)], weight.float())
    node = Node(name="a", op=op, edges=(Edge(INPUT),), shape=tuple(value.shape[1:]), weights=saved or Binary())
    arrays = {"a.weight": weight} | ({} if gain is None else {"a.gain": gain})
    return Blueprint(Plan.of((node,), encoder=Direct(2), input_shape=shape), arrays)


def refused(*given: Any, **more: Any) -> str:
    with pytest.raises(BadPlan) as caught:
        blueprint(*given, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_stored_weight_is_its_integers_times_its_gain() -> None:
    made = blueprint(SIGNS, GAIN)
    weight = made.weight(made.plan.nodes[0])
    assert weight is not None and weight.dtype == torch.float64
    assert weight.tolist() == [[0.5, -0.5, 0.5], [2.0, 2.0, -2.0]]
    one = blueprint(SIGNS, torch.tensor(0.25))
    assert torch.equal(one.weight(one.plan.nodes[0]), SIGNS.double() * 0.25)  # pyright: ignore[reportArgumentType]


@given(st.integers(0, 10**6), st.integers(1, 2), st.booleans())
def test_what_integers_make_times_the_gain_is_what_the_weight_makes(seed: int, groups: int, transposed: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    more = {"transposed": True, "output_padding": (0, 0)} if transposed else {}
    op = conv2d(padding=1, groups=groups, **more)
    assert isinstance(op, Conv)
    stored = torch.randint(-7, 8, (2 * groups, 3, 2, 2), generator=generator, dtype=torch.int32)
    inside, outside = (2 * groups, 3 * groups) if transposed else (3 * groups, 2 * groups)
    gain = torch.randint(-4, 5, (outside, 1, 1), generator=generator).double() / 4
    x = torch.randint(-2, 3, (2, inside, 5, 5), generator=generator).double()
    made = op([x], stored.double())
    node = Node(name="a", op=op, edges=(Edge(INPUT),), shape=tuple(made.shape[1:]), weights=Uniform(bits=4))
    plan = Plan.of((node,), encoder=Direct(2), input_shape=(inside, 5, 5))
    entry = Blueprint(plan, {"a.weight": stored, "a.gain": gain})
    assert torch.equal(op([x], entry.weight(plan.nodes[0])), made * gain)


def test_weights_that_a_format_cannot_hold() -> None:
    four = Uniform(bits=4)
    assert refused(SIGNS.float(), GAIN) == "array 'a.weight' must hold integers of 1 bits, it holds torch.float32"
    message = "array 'a.weight' holds integers that 4 bits cannot: store it again"
    assert refused(torch.full((2, 3), 8), GAIN, saved=four) == message
    assert refused(torch.full((2, 3), -9), GAIN, saved=four) == message
    assert blueprint(torch.tensor([[7, -8, 0]]), torch.ones(1), saved=four)
    for other in (0, 2, -2):
        assert "1 bits cannot" in refused(torch.full((2, 3), other), GAIN)
    assert "holds torch.bool" in refused(SIGNS > 0, GAIN)


def test_gains_that_are_missing_or_of_no_use() -> None:
    assert "needs an array 'a.gain'" in refused(SIGNS, None)
    assert "'a.gain' holds values that are not finite" in refused(SIGNS, torch.tensor([1.0, float("nan")]))
    assert "one for each of 2 output channels" in refused(SIGNS, torch.ones(3))
    for gain in (torch.ones(2, 1), torch.ones(1, 2)):
        assert "gain has 2 axes, 1 are those of features" in refused(SIGNS, gain), "along the batch"
    by_place = refused(torch.ones(2, 3, 3, 3, dtype=torch.int8), torch.ones(2, 2, 2), op=conv2d())
    assert by_place == "array 'a.gain' has shape (2, 2, 2): give one number, or one for each of 2 output channels"
