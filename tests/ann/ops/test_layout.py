"""Scaling weights against scaling what goes in or comes out, for every layout torch uses."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.ann.ops.layout import compact, per_channel
from spikewright.ann.ops.products import Conv, Linear


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Conv, torch.Tensor, torch.Tensor, int]:
    dimensions, groups = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    inside, outside = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    transposed = draw(st.booleans())
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(dimensions))
    op = Conv(
        stride=tuple(draw(st.integers(1, 2)) for _ in kernel),
        padding=(1,) * dimensions,
        dilation=tuple(draw(st.integers(1, 2)) for _ in kernel),
        groups=groups,
        transposed=transposed,
        output_padding=(0,) * dimensions if transposed else (),
    )
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    first, second = (inside, outside) if transposed else (outside, inside)
    weight = torch.randn(first, second // groups, *kernel, generator=generator, dtype=torch.float64)
    x = torch.randn(2, inside, *(6,) * dimensions, generator=generator, dtype=torch.float64)
    return op, weight, x, outside


def _gain(count: int) -> torch.Tensor:
    return torch.randn(count, generator=torch.Generator().manual_seed(count), dtype=torch.float64)


@given(convolutions())
def test_convolutions(drawn: tuple[Conv, torch.Tensor, torch.Tensor, int]) -> None:
    op, weight, x, outside = drawn
    space = (1,) * (x.dim() - 2)
    gain = _gain(x.shape[1])
    torch.testing.assert_close(op([x], op.scale_inputs(weight, gain)), op([x * gain.reshape(-1, *space)], weight))
    gain = _gain(outside)
    torch.testing.assert_close(op([x], op.scale_outputs(weight, gain)), op([x], weight) * gain.reshape(-1, *space))


def test_linear() -> None:
    op, weight, x = Linear(), _gain(12).reshape(3, 4), _gain(40).reshape(2, 5, 4)
    torch.testing.assert_close(op([x], op.scale_inputs(weight, _gain(4))), op([x * _gain(4)], weight))
    torch.testing.assert_close(op([x], op.scale_outputs(weight, _gain(3))), op([x], weight) * _gain(3))


@pytest.mark.parametrize(
    ("gain", "shape", "found"),
    [
        ((), (3, 4, 4), True),
        ((1,), (3, 4, 4), True),
        ((3, 1, 1), (3, 4, 4), True),
        ((3, 4, 1), (3, 4, 4), False),
        ((4,), (3, 4, 4), False),
        ((1, 4, 4), (3, 4, 4), False),
        ((4,), (4,), True),
        ((2,), (4,), False),
    ],
)
def test_per_channel_broadcasts_as_the_gain_itself(gain: tuple, shape: tuple, found: bool) -> None:
    given_gain = torch.rand(gain)
    vector = per_channel(given_gain, shape)
    assert (vector is not None) == found
    if vector is not None:
        assert torch.equal(vector.reshape(-1, *(1,) * (len(shape) - 1)).expand(shape), given_gain.expand(shape))


@given(st.integers(0, 3), st.booleans())
def test_compact_says_the_same_in_less(space: int, even: bool) -> None:
    shape = (3, *(4,) * space)
    constant = torch.rand(3, *(1,) * space).expand(shape).clone()
    if not even and space:
        constant.view(-1)[-1] += 1
    small = compact(constant)
    assert torch.equal(small.expand(shape), constant)
    if space:
        assert (small.numel() == 3) == even
