"""VGG networks: so many convolutions, and poolings of the kind asked for, where they belong."""

import pytest
import torch
from torch import nn

from spikewright.errors import BadModel, BadSetting
from spikewright.models.vgg import vgg16, vggsnn


@pytest.mark.parametrize(
    ("settings", "kind"),
    [({}, nn.AvgPool2d), ({"pool": "average"}, nn.AvgPool2d), ({"pool": "max"}, nn.MaxPool2d)],
)
@pytest.mark.parametrize(
    ("factory", "convolutions", "poolings", "numbers"), [(vgg16, 13, 5, 14_724_042), (vggsnn, 8, 4, 9_228_362)]
)
def test_layers(  # type: ignore[no-untyped-def]
    factory, convolutions: int, poolings: int, numbers: int, settings: dict[str, str], kind: type[nn.Module]
) -> None:
    model = factory(channels=3, size=(32, 32), classes=10, **settings)
    modules = list(model.modules())
    assert sum(isinstance(module, nn.Conv2d) for module in modules) == convolutions
    assert sum(isinstance(module, nn.Linear) for module in modules) == 1
    assert sum(isinstance(module, kind) for module in modules) == poolings
    assert sum(parameter.numel() for parameter in model.parameters()) == numbers


def test_vggsnn_halves_the_images_after_every_two_convolutions() -> None:
    model = vggsnn(channels=2, size=(48, 48), classes=11, readout="all")
    assert model.classifier.in_features == 512 * 3 * 3
    sizes = []
    for part in model.modules():
        if isinstance(part, nn.ReLU):
            part.register_forward_hook(lambda _, __, out: sizes.append(tuple(out.shape[1:])))
    assert model.eval()(torch.zeros(1, 2, 48, 48)).shape == (1, 11)
    assert sizes == [
        *((64, 48, 48), (128, 48, 48)),
        *[(256, 24, 24)] * 2,
        *[(512, 12, 12)] * 2,
        *[(512, 6, 6)] * 2,
    ]


def test_the_mean_over_what_is_left_is_read_out() -> None:
    model = vggsnn(channels=3, size=(32, 48), classes=10).eval()
    x = torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    assert model.classifier.in_features == 512
    left = model.features[:-1](x)  # the last of the features is the mean
    assert left.shape == (2, 512, 2, 3)
    torch.testing.assert_close(model(x), model.classifier(left.mean((2, 3))))
    plain = vggsnn(channels=3, size=(32, 32), classes=10, readout="all")
    # Table 2 of Q-SNNs counts 9,228,362; without the mean there would be 4 · 512 inputs
    assert sum(parameter.numel() for parameter in plain.parameters()) == 9_228_362 + 3 * 512 * 10


def test_small_images_and_other_pools_are_refused() -> None:
    with pytest.raises(BadModel, match="images of 28x28 are too small: resize to 32x32 or more"):
        vgg16(channels=1, size=(28, 28), classes=10)
    with pytest.raises(BadModel, match="'vggsnn': images of 15x20 are too small: resize to 16x16 or more"):
        vggsnn(channels=1, size=(15, 20), classes=10)
    with pytest.raises(BadSetting, match="pool is 'mean', but must be one of average, max"):
        vgg16(channels=1, size=(32, 32), classes=10, pool="mean")
    with pytest.raises(BadSetting, match="readout is 'some', but must be one of mean, all"):
        vggsnn(channels=1, size=(32, 32), classes=10, readout="some")
