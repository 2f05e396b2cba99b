"""Closed forms against one-hot inputs sent through torch's own operations."""

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from spikewright.ann.ops import Averaging, Operation
from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.pools import AdaptiveAveragePool, AveragePool, Mean
from spikewright.ann.ops.products import Conv, Linear
from spikewright.measure.cost.synapses import spread_over_windows, weights_met


def slow_met(op: Operation, weight: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Send each element alone through the operation with its weights replaced by 0 or 1."""
    size = torch.Size(shape).numel()
    onehots = torch.eye(size, dtype=torch.float64).reshape(size, *shape)
    return op([onehots], (weight != 0).double()).flatten(1).sum(1).reshape(shape)


def slow_spread(op: Averaging, demand: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A window holds an element if its mean changes with it."""
    size = torch.Size(shape).numel()
    onehots = torch.eye(size, dtype=torch.float64).reshape(size, *shape)
    return ((op([onehots]) != 0) * demand).flatten(1).sum(1).reshape(shape)


def sparse(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=generator)
    return values * (torch.rand(shape, generator=generator) > 0.4)


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Conv, Tensor, tuple[int, ...]]:
    rank = draw(st.integers(1, 3))
    sizes = st.integers(1, 3) if rank == 3 else st.integers(1, 4)
    per_axis = lambda strategy: tuple(draw(strategy) for _ in range(rank))  # noqa: E731
    groups, transposed = draw(st.sampled_from([1, 2])), draw(st.booleans())
    stride = per_axis(st.integers(1, 3))
    extra = tuple(draw(st.integers(0, width - 1)) for width in stride) if transposed else ()
    op = Conv(
        stride=stride,
        padding=per_axis(st.integers(0, 2)),
        dilation=per_axis(st.integers(1, 2)),
        groups=groups,
        transposed=transposed,
        output_padding=extra,
    )
    given_channels, made_channels = 2 * draw(st.integers(1, 2)), 2
    first, second = (given_channels, made_channels) if transposed else (made_channels, given_channels)
    weight = sparse(first, second // groups, *per_axis(sizes), seed=draw(st.integers(0, 99)))
    return op, weight.double(), (given_channels, *per_axis(st.integers(2, 6)))


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_convolution_meets_what_one_hot_inputs_meet(case: tuple[Conv, Tensor, tuple[int, ...]]) -> None:
    op, weight, shape = case
    try:
        made = op([torch.zeros(1, *shape, dtype=torch.float64)], weight).shape[1:]
    except RuntimeError:
        assume(False)
        return
    assume(torch.Size(made).numel() > 0)
    met = weights_met(op, weight, given=shape, made=tuple(made))
    assert met.shape == shape
    assert torch.equal(met, slow_met(op, weight, shape))
    dense = weights_met(op, weight, given=shape, made=tuple(made), dense=True)
    assert torch.equal(dense, slow_met(op, torch.ones_like(weight), shape))


def test_linear_over_the_last_axis() -> None:
    weight = sparse(5, 4).double()
    met = weights_met(Linear(), weight, given=(3, 4), made=(3, 5))
    assert torch.equal(met, slow_met(Linear(), weight, (3, 4)))


def test_scale_counts_non_zero_gains_and_copies_made_by_broadcasting() -> None:
    gain = torch.tensor([1.0, 0.0, 2.0]).reshape(3, 1)
    assert weights_met(Scale(), gain, given=(3, 2), made=(3, 2)).tolist() == [[1, 1], [0, 0], [1, 1]]
    assert weights_met(Scale(), gain, given=(1, 2), made=(3, 2)).tolist() == [[2, 2]]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_windows_hold_what_one_hot_inputs_change(data: st.DataObject) -> None:
    rank = data.draw(st.integers(1, 3))
    size = tuple(data.draw(st.integers(2, 6)) for _ in range(rank))
    if data.draw(st.booleans()):
        op: Averaging = AdaptiveAveragePool(size=tuple(data.draw(st.integers(1, 5)) for _ in size))
    else:
        kernel = tuple(data.draw(st.integers(1, min(3, width))) for width in size)
        op = AveragePool(
            kernel=kernel,
            stride=tuple(data.draw(st.integers(1, 3)) for _ in size),
            padding=tuple(data.draw(st.integers(0, width // 2)) for width in kernel),
            ceil_mode=data.draw(st.booleans()),
            count_include_pad=data.draw(st.booleans()),
            divisor=data.draw(st.sampled_from([None, 3])) if rank > 1 else None,
        )
    shape = (2, *size)
    made = op([torch.zeros(1, *shape, dtype=torch.float64)]).shape[1:]
    demand = torch.arange(1, made.numel() + 1, dtype=torch.float64).reshape(made)
    assert torch.equal(spread_over_windows(op, demand, shape), slow_spread(op, demand, shape))


def test_means_with_axes_kept_dropped_and_counted_from_the_end() -> None:
    for dims, keepdim in (((2, 3), False), ((2, 3), True), ((-1,), False), ((1, 3), False), ((-1, -2), True)):
        op = Mean(dims=dims, keepdim=keepdim)
        made = op([torch.zeros(1, 2, 3, 4)]).shape[1:]
        demand = torch.arange(1, made.numel() + 1, dtype=torch.float64).reshape(made)
        assert torch.equal(spread_over_windows(op, demand, (2, 3, 4)), slow_spread(op, demand, (2, 3, 4)))
