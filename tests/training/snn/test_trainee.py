"""The loss of a directly trained network, its gauges, and what an epoch tells of them."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.errors import BadSetting
from spikewright.snn.surrogate import Arctangent
from spikewright.training.settings import TrainSettings
from spikewright.training.snn.losses import LOSSES
from spikewright.training.snn.network import TrainingNetwork
from spikewright.training.snn.settings import NeuronSettings, SpikingSettings
from spikewright.training.snn.trainee import SpikingTrainee

SETTINGS = SpikingSettings(timesteps=3, neurons=NeuronSettings(threshold=0.3, leak=0.5, surrogate=Arctangent()))
X = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(1))
Y = torch.arange(6)


def trainee(source: Source, settings: SpikingSettings = SETTINGS, **more: object) -> SpikingTrainee:
    return SpikingTrainee(TrainingNetwork(source, settings), **({"loss": "tet"} | more))  # pyright: ignore


def firing_rates(one: SpikingTrainee, x: Tensor) -> list[float]:
    return one.network.run(x).rates.tolist()


@pytest.mark.parametrize("readout", ["potential", "spikes"])
def test_the_loss_is_that_over_time_and_the_price_of_rates_of_hidden_layers(source: Source, readout) -> None:
    """Of three layers that fire in all, the first is left alone, and so is the one that makes the output."""
    settings = replace(SETTINGS, readout=readout)
    plain, priced = (trainee(source, settings, rate_penalty=price).eval() for price in (0.0, 0.7))
    output, rates = priced.network(X), firing_rates(priced, X)
    assert len(rates) == (2 if readout == "potential" else 3) and 0 < rates[1] < 1
    expected = float(LOSSES["tet"](output, Y, 0.0).detach())
    loss, gauges = plain.loss(X, Y, step=0, progress=0.0)
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-6)
    assert gauges.tolist() == pytest.approx(rates) and not gauges.requires_grad
    loss, gauges = priced.loss(X, Y, step=0, progress=0.0)
    assert float(loss.detach()) == pytest.approx(expected + 0.7 * (rates[1] - 0.5) ** 2, rel=1e-6)
    assert gauges.tolist() == pytest.approx(rates) and not gauges.requires_grad


def test_the_price_alone_moves_rates_towards_a_half(source: Source) -> None:
    rare = replace(SETTINGS, neurons=replace(SETTINGS.neurons, threshold=2.0))
    one = trainee(source, rare, rate_penalty=1e4).train()
    optimiser = torch.optim.Adam(one.parameters(), lr=0.05)
    apart = []
    for step in range(25):
        loss, gauges = one.loss(X, Y, step=step, progress=0.0)
        apart.append(abs(float(gauges[1]) - 0.5))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert apart[0] > 0.2 and apart[-1] < apart[0] / 2


def test_rate_coding_is_drawn_anew_at_every_step_and_not_in_evaluation(source: Source) -> None:
    one = trainee(source, replace(SETTINGS, encoding="rate")).eval()
    losses = [float(one.loss(X, Y, step=step, progress=0.0)[0].detach()) for step in (0, 1, 0)]
    assert losses[0] == losses[2] != losses[1]
    assert torch.equal(one.scores(X)[0], one.scores(X)[0])


def test_scores_are_the_sum_over_time(source: Source) -> None:
    one = trainee(source).eval()
    scores, rates = one.scores(X)
    torch.testing.assert_close(scores, one.network(X).sum(0))
    assert scores.shape == (6, 10)
    torch.testing.assert_close(rates, one.network.run(X).rates)


def test_what_an_epoch_tells(source: Source) -> None:
    one = trainee(source)
    # alive in the training batches, silent on validation
    assert one.reported([0.25, 0.0], [0.3, 0.0]) == {"firing_rate": 0.125, "dead_stages": (one.network.stages[1],)}
    assert one.reported([0.25, 0.75], [0.0, 0.1])["dead_stages"] == (one.network.stages[0],)
    assert one.reported([0.25, 0.0], [0.3, 0.1])["dead_stages"] == ()


def test_decay_is_on_weights_alone(source: Source) -> None:
    neurons = replace(SETTINGS.neurons, learn_leak=True)
    one = trainee(source, replace(SETTINGS, neurons=neurons))
    groups = one.groups(TrainSettings(weight_decay=0.1), steps=10)
    decay = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert len(decay) == len(list(one.parameters()))
    for name, parameter in one.named_parameters():
        assert decay[id(parameter)] == (0.1 if parameter.dim() > 1 else 0.0), name
    assert one.network.raw_leaks is not None and decay[id(one.network.raw_leaks)] == 0.0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"loss": "hinge"}, "loss is 'hinge': choose one of mean, sum, tet, count, count_mse"),
        ({"loss": "count"}, "loss 'count' counts the output's spikes: add --readout spikes"),
        ({"rate_penalty": -0.1}, "rate-penalty is -0.1"),
    ],
)
def test_what_cannot_be(source: Source, given: dict[str, object], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        trainee(source, **given)
