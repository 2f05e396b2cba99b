"""Rate coding: probabilities are met, and a sample's spikes are its own, whatever stands beside it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.errors import BadSetting
from spikewright.snn.encoders.bernoulli import Bernoulli

X = torch.rand(6, 2, 3, 3, generator=torch.Generator().manual_seed(0))


def test_spikes_of_the_inputs_shape() -> None:
    for x in (X, X.double(), X.to(memory_format=torch.channels_last), X[:, :1, 0, 0], X[:0]):
        train = Bernoulli(4)(x)
        assert train.shape == (4, *x.shape) and train.dtype == x.dtype
        assert set(train.unique().tolist()) <= {0.0, 1.0}
    assert Bernoulli(4).steps == 4


def test_black_never_spikes_white_always_and_what_lies_beyond_is_clipped() -> None:
    x = torch.tensor([[0.0, -0.0, -3.0, 1.0, 1.5, 1e30]])
    assert Bernoulli(200)(x).mean(0).tolist() == [[0, 0, 0, 1, 1, 1]]
    assert Bernoulli(200).anew(x, (7,)).mean(0).tolist() == [[0, 0, 0, 1, 1, 1]]


@pytest.mark.parametrize("drawn", [False, True])
def test_probabilities_are_the_values(drawn: bool) -> None:
    """Each count within five of its own standard deviations; means over places and neighbours are uncorrelated."""
    steps = 4000
    x = torch.linspace(0.02, 0.98, 49).reshape(1, 49)
    train = (Bernoulli(steps, 3).anew(x, (1,)) if drawn else Bernoulli(steps, 3)(x))[:, 0].double().numpy()
    p = x[0].double().numpy()
    assert np.all(np.abs(train.mean(0) - p) < 5 * np.sqrt(p * (1 - p) / steps))
    apart = (train - p) / np.sqrt(p * (1 - p))
    for shifted in (apart[1:] * apart[:-1], apart[:, 1:] * apart[:, :-1]):
        assert abs(shifted.mean()) < 5 / np.sqrt(shifted.size)


@given(st.permutations(range(6)), st.integers(1, 6))
def test_a_samples_spikes_do_not_depend_on_its_batch(order: list[int], count: int) -> None:
    whole = Bernoulli(5, 9)(X)
    part = Bernoulli(5, 9)(X[order[:count]])
    assert torch.equal(part, whole[:, order[:count]])
    assert torch.equal(Bernoulli(5, 9)(X[order[:count]].double()), part.double()), "nor on its type"


def test_samples_steps_seeds_and_keys_draw_apart() -> None:
    grey = torch.full((2, 400), 0.5)
    grey[1, 0] = 0.25
    encoded = Bernoulli(3, 0)(grey)
    trains = {
        "two samples that differ in one value": (encoded[:, 0, 1:], encoded[:, 1, 1:]),
        "two steps": (encoded[0], encoded[1]),
        "two seeds": (encoded, Bernoulli(3, 1)(grey)),
        "two keys": (Bernoulli(3, 0).anew(grey, (1,)), Bernoulli(3, 0).anew(grey, (2,))),
        "two rows of a draw": (Bernoulli(3, 0).anew(grey, (1,))[:, 0, 1:], Bernoulli(3, 0).anew(grey, (1,))[:, 1, 1:]),
        "a draw and none": (Bernoulli(3, 0).anew(grey, ()), encoded),
    }
    for what, (one, two) in trains.items():
        share = float((one != two).double().mean())
        assert 0.4 < share < 0.6, (what, share)


def test_a_draw_is_the_same_again_and_its_first_rows_do_not_know_the_others() -> None:
    drawn = Bernoulli(4, 5).anew(X, (3, 1))
    assert torch.equal(drawn, Bernoulli(4, 5).anew(X, (3, 1)))
    assert torch.equal(drawn[:, :2], Bernoulli(4, 5).anew(X[:2], (3, 1)))
    state = torch.get_rng_state()
    _ = Bernoulli(4)(X), Bernoulli(4).anew(X, (1,))
    assert torch.equal(torch.get_rng_state(), state), "the caller's random numbers are left alone"


@pytest.mark.parametrize(
    ("settings", "words"),
    [((0,), "timesteps must be at least 1, got 0"), ((4, -1), "seed is -1"), ((4, 2**63), "below 2\\^63")],
)
def test_impossible_settings(settings: tuple[int, ...], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        Bernoulli(*settings)
