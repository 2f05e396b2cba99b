"""SlipReLU as trained, against one number at a time; the rest of the interpreter is checked on every capture."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.interpreter import as_trained, values_of
from spikewright.ann.ops.activations import Activation
from spikewright.ann.rounding import clipped_round
from spikewright.ann.source import SourceNode

VALUES = st.lists(st.floats(-3, 5, width=32).map(lambda value: round(value, 3)), min_size=1, max_size=15)


def node(**settings: object) -> SourceNode:
    return SourceNode(name="a", op=Activation(**settings), inputs=("z",), shape=(1,))  # pyright: ignore


def _slow(z: float, theta: float, levels: int, slip: float) -> float:
    clipped = min(max(z, 0.0), theta)
    return slip * clipped + (1 - slip) * theta * math.floor(levels * clipped / theta + 0.5) / levels


@given(VALUES, st.floats(0.25, 4), st.integers(1, 31), st.floats(0.01, 0.99))
def test_slip_is_a_weighted_mean_of_clip_and_rounding(
    values: list[float], theta: float, levels: int, slip: float
) -> None:
    z = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    threshold = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    out = as_trained(node(levels=levels, slip=slip), z, {"threshold": threshold})
    out.sum().backward()
    expected = 0.0
    for index, value in enumerate(values):
        position = levels * min(max(value / theta, 0.0), 1.0) + 0.5
        if abs(position - round(position)) < 1e-9 or abs(value - theta) < 1e-9:  # a tie may fall either way
            return
        found = out[index].item()
        assert found == pytest.approx(_slow(value, theta, levels, slip), abs=1e-12)
        inside = 0 < value < theta
        assert z.grad is not None and float(z.grad[index]) == pytest.approx(float(inside))
        # θ: 1 above; inside the clip gives nothing and the rounding (a − z)/θ
        expected += (found - value) / theta if inside else float(value > theta)
    assert threshold.grad is not None
    assert float(threshold.grad) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("shape", [(), (1,), (3, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_thresholds_of_any_shape(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    z = torch.linspace(-1, 2, 30).reshape(3, 10).to(dtype)
    out = as_trained(node(levels=3, slip=0.25), z, {"threshold": torch.full(shape, 1.5)})
    expected = [_slow(value, 1.5, 3, 0.25) for value in z.flatten().tolist()]
    torch.testing.assert_close(out.flatten().double(), torch.tensor(expected).double(), atol=2e-2, rtol=0)


def test_no_slip_is_the_rounding_itself() -> None:
    z = torch.linspace(-1, 2, 30)
    roles = {"threshold": torch.tensor(1.1)}
    assert torch.equal(as_trained(node(levels=5), z, roles), clipped_round(z, roles["threshold"], 5))


def test_values_of_some_nodes() -> None:
    first, last, x = nn.Linear(3, 4), nn.Linear(4, 2), torch.randn(5, 3)
    source = capture(nn.Sequential(first, nn.ReLU(), last), x)
    hidden = source.activations[0].name
    with torch.no_grad():
        found = values_of(source, x, {hidden, source.output})
        assert set(found) == {hidden, source.output}
        assert torch.equal(found[hidden], first(x).relu())
        assert torch.equal(found[source.output], last(first(x).relu()))
        zero = {name: torch.zeros_like(array) for name, array in source.arrays.items()}
        assert not values_of(source, x, [hidden], arrays=zero)[hidden].any()
