"""Learned timesteps as an activation, their price and the levels they leave behind."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.interpreter import run
from spikewright.ann.source import Source
from spikewright.errors import BadModel, BadSetting
from spikewright.training.ann.levels import with_levels
from spikewright.training.ann.trainable import TrainableSource
from spikewright.training.timesteps.learned import LearnedTimesteps, timestep_account
from spikewright.training.timesteps.parametrisation import PARAMETRISATIONS
from spikewright.training.timesteps.settings import TimestepSettings

X = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
FORMS = sorted(PARAMETRISATIONS)


@pytest.fixture
def levelled(source: Source) -> Source:
    return with_levels(source, {"relu1": 2, "relu2": 5}, {"relu1": 1.5, "relu2": 4.0})


@pytest.mark.parametrize("name", FORMS)
def test_at_the_start_it_is_the_levelled_network(name: str, levelled: Source) -> None:
    timesteps = LearnedTimesteps(levelled, TimestepSettings(parametrisation=name))
    assert timesteps.timesteps == {"relu1": 2, "relu2": 5} and timesteps.mean == 3.5
    torch.testing.assert_close(run(levelled, X, activate=timesteps), run(levelled, X))


@pytest.mark.parametrize("name", FORMS)
def test_what_was_trained_is_what_the_source_becomes(name: str, levelled: Source) -> None:
    """Train some steps, then compare the network in training with the ordinary source made of it."""
    network = TrainableSource(levelled).eval()
    timesteps = LearnedTimesteps(levelled, TimestepSettings(parametrisation=name, timestep_penalty=3.0))
    optimiser = torch.optim.SGD([*network.parameters(), *timesteps.parameters()], lr=0.05)
    for _ in range(25):
        optimiser.zero_grad()
        (network(X, timesteps).square().mean() + timesteps.penalty()).backward()
        optimiser.step()
        timesteps.guard()
    assert timesteps.timesteps != {"relu1": 2, "relu2": 5}, "they have moved"
    made = timesteps.into(network.to_source())
    assert [node.op.levels for node in made.activations] == list(timesteps.timesteps.values())
    with torch.no_grad():
        torch.testing.assert_close(run(made, X), network(X, timesteps))
    assert float(made.arrays["relu2.threshold"]) <= 6.0


def slow_penalty(steps: list[int], shares: list[float], target: float | None, weight: float) -> float:
    mean = sum(share * step for share, step in zip(shares, steps, strict=True)) / sum(shares)
    return weight * len(steps) * (mean if target is None else max(mean - target, 0.0))


@pytest.mark.parametrize(("weighting", "target"), [*product(["uniform", "neurons", "synops"], [None, 1.0, 3.0, 10.0])])
def test_the_price_is_that_of_whole_timesteps(weighting: str, target: float | None, levelled: Source) -> None:
    settings = TimestepSettings(target_timesteps=target, timestep_penalty=0.3, timestep_weighting=weighting)
    timesteps = LearnedTimesteps(levelled, settings)
    timesteps.first.data = torch.tensor([2.4, 4.6])
    # relu1 is read by a convolution of 6 channels, 3x3, padded by 1, and by the sum; relu2 by means and 10 outputs
    neurons = 6 * 64
    synops = [6 * 6 * (3 * 8 - 2) ** 2 + neurons, neurons * 10]
    shares = {"uniform": [1, 1], "neurons": [neurons, neurons], "synops": synops}[weighting]
    expected = slow_penalty([2, 5], shares, target, 0.3)
    price = timesteps.penalty()
    assert float(price.detach()) == pytest.approx(expected, abs=1e-5)
    price.backward()
    assert timesteps.first.grad is not None
    slopes = [0.3 * 2 * share / sum(shares) if expected > 0 else 0.0 for share in shares]
    assert timesteps.first.grad.tolist() == pytest.approx(slopes)


def test_the_price_is_off_where_the_target_is_met_exactly(source: Source) -> None:
    """A third of 7 is no number of float32: a mean that equals its target must not look above it."""
    levelled = with_levels(source, {"relu1": 3, "relu2": 2}, {"relu1": 1.0, "relu2": 1.0})
    timesteps = LearnedTimesteps(levelled, TimestepSettings(target_timesteps=2.5))
    assert timesteps.penalty().item() == 0
    timesteps._shares.mul_(1 + 1.2e-7)
    assert timesteps.penalty().item() == 0


@pytest.mark.parametrize("name", FORMS)
def test_the_price_drives_every_parametrisation_to_one_and_no_further(name: str, levelled: Source) -> None:
    timesteps = LearnedTimesteps(levelled, TimestepSettings(parametrisation=name, timestep_penalty=1.0))
    optimiser = torch.optim.SGD(timesteps.parameters(), lr=0.5)
    for _ in range(200):
        optimiser.zero_grad()
        timesteps.penalty().backward()
        optimiser.step()
        timesteps.guard()
    assert timesteps.timesteps == {"relu1": 1, "relu2": 1}
    alpha, t = PARAMETRISATIONS[name].alpha_and_t(timesteps.first, timesteps.second)
    assert bool(alpha.isfinite().all()) and bool((t >= 1).all())


def test_at_the_end_no_step_leads_out_of_the_target(levelled: Source) -> None:
    timesteps = LearnedTimesteps(levelled, TimestepSettings(target_timesteps=3.5))
    for settle, before, after, expected in (
        (True, [2.4, 5.4], [2.6, 5.4], [2.4, 5.4]),  # from 3.5 to 4: taken back
        (False, [2.4, 5.4], [2.6, 5.4], [2.6, 5.4]),
        (True, [2.4, 5.4], [2.45, 4.2], [2.45, 4.2]),  # stays within
        (True, [6.4, 5.4], [6.3, 5.6], [6.3, 5.6]),  # was outside before: it is on its way
    ):
        timesteps.first.data = torch.tensor(before)
        timesteps.penalty()
        timesteps.first.data = torch.tensor(after)
        timesteps.guard(settle=True) if settle else timesteps.guard()
        assert timesteps.first.tolist() == pytest.approx(expected)


def test_the_account_of_a_network(levelled: Source) -> None:
    found = timestep_account(levelled, "synops")
    synops = [6 * 6 * (3 * 8 - 2) ** 2 + 384, 3840]
    assert found["timesteps"] == {"relu1": 2, "relu2": 5}
    assert found["timesteps_mean"] == found["timesteps_mean_neurons"] == 3.5
    assert found["timesteps_mean_weighted"] == pytest.approx((2 * synops[0] + 5 * synops[1]) / sum(synops))


def test_neurons_are_counted_where_they_fire() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2), nn.ReLU())
    source = capture(model, torch.zeros(2, 1, 6, 6))
    levelled = with_levels(source, {"1": 6, "5": 1}, {"1": 1.0, "5": 1.0})
    assert timestep_account(levelled)["timesteps_mean_neurons"] == (8 * 6 + 2 * 1) / 10


def test_what_cannot_be_learned_is_refused(source: Source, levelled: Source) -> None:
    with pytest.raises(BadSetting, match="'relu1' has no levels to start from"):
        LearnedTimesteps(source, TimestepSettings())
    arrays: dict[str, Tensor] = {**levelled.arrays, "relu1.threshold": torch.ones(6, 1, 1)}
    with pytest.raises(BadModel, match="'relu1' has 6 thresholds"):
        LearnedTimesteps(replace(levelled, arrays=arrays), TimestepSettings())
    linear = capture(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), torch.zeros(2, 1, 2, 2))
    with pytest.raises(BadModel, match="no ReLU"):
        LearnedTimesteps(linear, TimestepSettings())
