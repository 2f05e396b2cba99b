"""Products of stored integers: exact in float32, in two halves, in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.campaigns.pieces import Weights, reach_of, weights_for
from spikewright.ops import Conv, Linear


def _weights(integers: torch.Tensor, op: Linear | Conv | None = None, **changed: object) -> Weights:
    settings = {"memory": "layer", "bits": 8, "most": None, "golden": 1.0, "fine": True, **changed}
    return weights_for(op or Linear(), integers=integers, **settings)  # pyright: ignore[reportArgumentType]


@given(st.integers(0, 2**31), st.integers(0, 40), st.integers(1, 40))
def test_any_magnitude_gives_the_integers(seed: int, bits: int, inputs: int) -> None:
    random = np.random.default_rng(seed)
    weight = random.integers(-128, 128, (3, inputs))
    read = random.integers(-(2**bits), 2**bits + 1, (2, 4, inputs))
    held = _weights(torch.from_numpy(weight))
    made = held.product(torch.from_numpy(read).double())
    exact = [[[sum(int(w) * int(x) for w, x in zip(row, given, strict=True)) for row in weight] for given in step]
             for step in read]  # fmt: skip
    assert made.double().tolist() == exact


def test_all_three_ways_are_taken() -> None:
    held = _weights(torch.full((1, 4), 100))
    kinds = []
    plain = Weights._product

    def watched(self: Weights, read: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        kinds.append(read.dtype)
        return plain(self, read, weight)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Weights, "_product", watched)
        for largest in (1, 2**20, 2**40):
            held.product(torch.full((1, 1, 4), float(largest), dtype=torch.float64))
    assert kinds == [torch.float32, torch.float32, torch.float32, torch.float64]


def test_a_convolution_in_halves() -> None:
    op = Conv(stride=(1, 1), padding=(1, 1), dilation=(1, 1))
    weight = torch.randint(-128, 128, (5, 3, 3, 3), generator=torch.Generator().manual_seed(0))
    read = torch.randint(-(2**20), 2**20, (2, 2, 3, 6, 6), generator=torch.Generator().manual_seed(1)).double()
    held = _weights(weight, op)
    assert not held.fits(held.largest(read))
    expected = torch.nn.functional.conv2d(read.flatten(0, 1), weight.double(), padding=1).unflatten(0, (2, 2))
    assert torch.equal(held.product(read).double(), expected)


def test_the_reach_is_that_of_the_worst_output() -> None:
    assert reach_of(Linear(), torch.tensor([[1.0, -2.0], [3.0, 4.0]])) == 7
    assert reach_of(Conv(stride=(1,), padding=(0,), dilation=(1,), transposed=True), torch.ones(2, 3, 4)) == 24


def test_a_coarse_grid_fits_float32_and_a_fine_one_is_finer() -> None:
    weight = torch.randint(-127, 128, (4, 300))
    coarse, fine = _weights(weight, fine=False, golden=0.9), _weights(weight, golden=0.9)
    value = torch.linspace(-0.9, 0.9, 300).reshape(1, 1, 300)
    assert coarse.exponent is not None
    assert fine.exponent is not None
    assert coarse.exponent < fine.exponent == 20
    assert coarse.fits(coarse.largest(coarse.on_grid(value)))
    assert not fine.fits(fine.largest(fine.on_grid(value)))
    assert torch.equal(coarse.on_grid(value), (value * 2.0**coarse.exponent).round())


def test_faulty_inputs_saturate_where_sums_would_no_longer_be_exact() -> None:
    held = _weights(torch.full((1, 8), 127))
    read = held.on_grid(torch.tensor([[[1e30] * 8]]))
    assert float(read.max()) == held.limit
    assert held.limit * 128 * 8 <= 2.0**53
