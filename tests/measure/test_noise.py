"""Noise: its spread, its seed, and that none is none."""

import pytest
import torch

from spikewright.errors import BadSetting
from spikewright.measure.noise import add_noise


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_deviation_is_a_share_of_the_range() -> None:
    x = torch.full((100_000,), 7.0)
    difference = add_noise(x, share=0.1, value_range=(-2.0, 3.0), generator=generator()) - x
    assert float(difference.std()) == pytest.approx(0.5, rel=0.02)
    assert abs(float(difference.mean())) < 0.01
    assert bool((x == 7).all())


def test_the_same_seed_gives_the_same_noise_and_another_another() -> None:
    x = torch.zeros(50)
    one, same, other = (add_noise(x, share=0.1, value_range=(0, 1), generator=generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_no_noise_is_the_input_itself() -> None:
    x = torch.zeros(3)
    assert add_noise(x, share=0.0, value_range=(0, 1), generator=generator()) is x


@pytest.mark.parametrize("share", [-0.1, float("nan"), float("inf")])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(BadSetting, match="noise"):
        add_noise(torch.zeros(1), share=share, value_range=(0, 1), generator=generator())
