"""Statistics against torch.optim.swa_utils.update_bn and plain means; when they are estimated again, and refusals."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from spikewright.ann.capture.capture import capture
from spikewright.ann.ops import Activating
from spikewright.ann.source import Source
from spikewright.errors import BadSetting
from spikewright.training.ann.trainable import TrainableSource
from spikewright.training.ann.trainee import SourceTrainee
from spikewright.training.batch_norm import estimate_again, measured, require_values, unsettled
from spikewright.training.settings import TrainSettings
from spikewright.training.snn.network import TrainingNetwork
from spikewright.training.snn.settings import SpikingSettings
from spikewright.training.snn.trainee import SpikingTrainee

GENERATOR = torch.Generator().manual_seed(4)
X = 3 * torch.randn(40, 1, 8, 8, generator=GENERATOR) + 1
Y = torch.randint(0, 10, (40,), generator=GENERATOR)
BATCHES = list(zip(X.split(10), Y.split(10), strict=True))


def trainee(source: Source) -> SourceTrainee:
    return SourceTrainee(TrainableSource(source), TrainSettings())


def test_means_over_batches_are_those_of_torch(model: nn.Module, source: Source) -> None:
    one = trainee(source)
    weights = {name: array.detach().clone() for name, array in one.latent.arrays.items() if "bn" not in name}
    estimate_again(one, BATCHES)
    update_bn(BATCHES, model)
    found = one.latent.arrays
    torch.testing.assert_close(found["bn1.running_mean"], model.bn1.running_mean)
    torch.testing.assert_close(found["bn1.running_var"], model.bn1.running_var)
    assert float(found["bn1.running_var"].max()) > 1.5, "no longer the ones it began with"
    assert all(torch.equal(found[name], array) for name, array in weights.items())


def test_a_norm_that_is_used_twice_has_the_mean_of_its_uses() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bn, self.out = nn.BatchNorm2d(1), nn.Linear(64, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.out(torch.relu(self.bn(torch.relu(self.bn(x)))).flatten(1))

    one = trainee(capture(Twice(), X[:2]))
    estimate_again(one, BATCHES)
    (name,) = [name for name in one.latent.arrays if name.endswith("running_var")]
    expected = []
    for x, _ in BATCHES:
        first = x.var()
        second = torch.relu((x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt()).var()
        # torch follows both in turn: the later one weighs 1, the earlier one 0.9
        expected.append((0.9 * first + second) / 1.9)
    torch.testing.assert_close(one.latent.arrays[name], torch.stack(expected).mean().reshape(1))


@pytest.mark.parametrize(("updates", "again"), [(1, True), (12, True), (40, True), (200, False)])
def test_few_updates_leave_much_of_what_it_began_with(updates: int, again: bool, source: Source) -> None:
    running = torch.ones(6)
    for _ in range(updates):
        running = 0.9 * running + 0.1 * 0.5
    arrays = {**source.arrays, "bn1.running_var": running}
    assert unsettled(source, replace(source, arrays=arrays), updates=updates) is again


def test_a_network_without_norms_is_settled() -> None:
    plain = capture(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), X[:2])
    assert not unsettled(plain, plain, updates=1)


def test_what_is_measured_is_the_network_in_evaluation(source: Source) -> None:
    one = SpikingTrainee(TrainingNetwork(source, SpikingSettings(timesteps=2)), loss="sum")
    found = measured(one, BATCHES)
    one.eval()
    with torch.no_grad():
        run = one.network.run(X)
    assert found["accuracy_validation"] == float((run.output.sum(0).argmax(1) == Y).double().mean())
    shares = [float((run.output.sum(0).argmax(1) == Y)[k == Y].double().mean()) for k in range(int(Y.max()) + 1)]
    assert found["accuracy_by_class"] == pytest.approx(shares) and found["accuracy_balanced"] == pytest.approx(
        sum(shares) / len(shares)
    )
    silent = [name for name, rate in zip(one.network.stages, run.rates, strict=True) if rate == 0]
    assert found["dead_stages"] == tuple(silent)
    assert "dead_stages" in measured(trainee(source), BATCHES)


@pytest.mark.parametrize(("rows", "steps", "fits"), [(1, 1, False), (2, 1, True), (1, 2, True)])
def test_a_channel_needs_two_values(rows: int, steps: int, fits: bool) -> None:
    flat = capture(nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.BatchNorm1d(4), nn.ReLU()), X[:2])
    assert isinstance(flat.nodes[-1].op, Activating)
    if fits:
        require_values(flat, rows=rows, steps_of=lambda _: steps)
    else:
        with pytest.raises(BadSetting, match="raise --batch-size"):
            require_values(flat, rows=rows, steps_of=lambda _: steps)
