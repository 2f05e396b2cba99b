import pytest
import torch
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.interpreter import run
from spikewright.ann.source import Source
from spikewright.training.ann.levels import with_levels
from spikewright.training.ann.trainable import THRESHOLD_FLOOR, TrainableSource, trainable_names


def test_parameters_are_weights_biases_and_thresholds(source: Source) -> None:
    levelled = with_levels(source, 3, {"relu1": 1.0, "relu2": 1.0})
    expected = {
        "conv1.weight",
        "bn1.weight",
        "bn1.bias",
        "conv2.weight",
        "conv2.bias",
        "out.weight",
        "out.bias",
    }
    assert trainable_names(levelled) == expected | {"relu1.threshold", "relu2.threshold"}
    network = TrainableSource(levelled)
    assert len(list(network.parameters())) == 9
    assert len(list(network.buffers())) == 2


def test_trains_as_the_module_it_was_captured_from(model: nn.Module, source: Source) -> None:
    network = TrainableSource(source).train()
    model.train()
    x = torch.randn(7, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    for net in (model, network):
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            optimiser.zero_grad()
            net(x).square().mean().backward()
            optimiser.step()
    theirs, ours = model.state_dict(), network.to_source().arrays
    for name, array in ours.items():
        torch.testing.assert_close(array, theirs[name], rtol=1e-4, atol=1e-5)
    assert not torch.equal(ours["conv1.weight"], source.arrays["conv1.weight"])


def test_to_source_gives_copies_and_leaves_the_first_source_alone(source: Source) -> None:
    network = TrainableSource(source)
    before = {name: array.clone() for name, array in source.arrays.items()}
    made = network.to_source()
    for tensor in network.parameters():
        tensor.data.fill_(9)
    assert all(torch.equal(source.arrays[name], before[name]) for name in before)
    assert all(torch.equal(made.arrays[name], before[name]) for name in before)
    assert all(array.is_contiguous() for array in made.arrays.values())
    x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(run(made, x), run(source, x))


def test_constants_of_the_forward_do_not_train_and_shared_weights_stay_shared() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)
            self.register_buffer("gain", torch.full((4,), 2.0))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(torch.relu(self.layer(x)) * self.gain + 0.5)

    made = capture(Shared(), torch.zeros(2, 4))
    network = TrainableSource(made)
    assert sorted(tuple(p.shape) for p in network.parameters()) == [(4,), (4, 4)]
    assert len(network.to_source().arrays) == len(made.arrays)


def test_thresholds_are_kept_above_zero_and_below_the_cap(source: Source) -> None:
    network = TrainableSource(with_levels(source, 3, {"relu1": 1.0, "relu2": 1.0}))
    for name, value in (("relu1.threshold", -4.0), ("relu2.threshold", 40.0)):
        network.arrays[name].data.fill_(value)
    network.clamp_thresholds()
    assert network.arrays["relu1.threshold"].item() == pytest.approx(THRESHOLD_FLOOR)
    assert network.arrays["relu2.threshold"].item() == 6.0
