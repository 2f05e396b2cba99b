"""The small network: its size, its odd images, and that it learns."""

import pytest
import torch
from torch import nn

from spikewright.errors import BadModel
from spikewright.models.cnn import cnn


@pytest.mark.parametrize(("channels", "size", "parameters"), [(1, (28, 28), 75_450), (3, (32, 32), 80_218)])
def test_parameters(channels: int, size: tuple[int, int], parameters: int) -> None:
    model = cnn(channels=channels, size=size, classes=10)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


@pytest.mark.parametrize("size", [(8, 8), (9, 30), (28, 28)])
def test_any_size_from_8_on(size: tuple[int, int]) -> None:
    assert cnn(channels=1, size=size, classes=10)(torch.rand(2, 1, *size)).shape == (2, 10)


def test_pooling_is_by_the_maximum() -> None:
    model = cnn(channels=1, size=(8, 8), classes=10)
    assert sum(isinstance(module, nn.MaxPool2d) for module in model.modules()) == 3


def test_too_small_images_are_refused() -> None:
    with pytest.raises(BadModel, match="model 'cnn': images of 7x9 are too small: resize to 8x8 or more"):
        cnn(channels=1, size=(7, 9), classes=10)


def test_it_fits_a_batch() -> None:
    torch_state = torch.get_rng_state()
    torch.manual_seed(0)
    model = cnn(channels=1, size=(8, 8), classes=4)
    images, labels = torch.rand(32, 1, 8, 8), torch.arange(32) % 4
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(20):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimiser.step()
    assert (model(images).argmax(1) == labels).float().mean() > 0.9
    torch.set_rng_state(torch_state)
