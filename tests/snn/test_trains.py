"""Values and trains: decode, encode and popcount against Python integers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import codes

from spikewright.snn.code import Code
from spikewright.snn.trains import decode, encode, heaviside, spike_counts, weighted


def _train_of(level: int, code: Code) -> list[int]:
    spikes = []
    for weight in code.step_weights:
        spikes.append(int(level >= weight))
        level -= weight * spikes[-1]
    return spikes


@given(codes())
def test_encode_decode_and_counts_of_every_level(code: Code) -> None:
    levels = torch.arange(code.levels + 1, dtype=torch.float64)
    train = encode(levels, code)
    expected = [_train_of(level, code) for level in range(code.levels + 1)]
    assert train.T.tolist() == expected
    assert torch.equal(decode(train, code), levels)
    assert spike_counts(levels, code).tolist() == [sum(spikes) for spikes in expected]


@given(st.integers(1, 16), st.lists(st.integers(0, 2**16), min_size=1, max_size=20))
def test_counts_of_bit_planes_are_popcounts(timesteps: int, values: list[int]) -> None:
    values = [value % 2**timesteps for value in values]
    for dtype in (torch.float32, torch.float64):
        counted = spike_counts(torch.tensor(values, dtype=dtype), Code.bit_planes(timesteps))
        assert counted.tolist() == [value.bit_count() for value in values]


def test_any_axes_and_either_precision() -> None:
    code = Code((4, 2, 2, 1))
    levels = torch.randint(0, 10, (3, 2, 5, 4), generator=torch.Generator().manual_seed(0))
    for dtype in (torch.float32, torch.float64):
        train = encode(levels.to(dtype), code)
        assert train.shape == (4, 3, 2, 5, 4) and train.dtype == dtype
        assert torch.equal(decode(train, code), levels.to(dtype))


@given(codes())
def test_weighted_spikes_add_up_to_the_code(code: Code) -> None:
    levels = torch.arange(code.levels + 1, dtype=torch.float64)
    train = weighted(encode(levels, code), code)
    assert train.T.tolist() == [
        [weight * spike for weight, spike in zip(code.step_weights, _train_of(level, code), strict=True)]
        for level in range(code.levels + 1)
    ]


def test_a_warm_up_is_delivered_and_not_decoded() -> None:
    train = torch.tensor([1.0, 1.0, 0.0, 1.0, 0.0]).reshape(-1, 1)
    code = Code.rate(3, warmup=2)
    assert decode(train, code).tolist() == [1]
    assert torch.equal(weighted(train, code), train)


def test_a_part_of_a_train_weighs_as_its_place_says() -> None:
    code = Code.bit_planes(4)
    train = torch.tensor([1.0, 1.0, 0.0, 1.0]).reshape(-1, 1)
    assert weighted(train[2:], code, 2).flatten().tolist() == [0, 1]
    assert weighted(train[1:3], code, 1).flatten().tolist() == [4, 0]
    assert weighted(train, code).flatten().tolist() == [8, 4, 0, 1]


def test_a_spike_taken_back_counts_against_the_code() -> None:
    assert decode(torch.tensor([1.0, -1.0, 1.0]).reshape(-1, 1), Code.rate(3)).tolist() == [1]


def test_a_tie_fires() -> None:
    below = torch.nextafter(torch.tensor(0.0), torch.tensor(-1.0))
    assert heaviside(torch.tensor([0.0, -0.0, below, 1.0])).tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize("wrong", [torch.zeros(3, 2, dtype=torch.int64)])
def test_shapes_and_types_are_checked_in_tests(wrong: torch.Tensor) -> None:
    """The import hook of conftest is at work."""
    with pytest.raises(Exception, match="type"):
        encode(wrong, Code.rate(3))
