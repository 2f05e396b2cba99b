"""VGG-16: thirteen convolutions, five poolings of the kind asked for."""

import pytest
from torch import nn

from spikewright.errors import BadModel, BadSetting
from spikewright.models.vgg import vgg16


@pytest.mark.parametrize(
    ("settings", "kind"),
    [({}, nn.AvgPool2d), ({"pool": "average"}, nn.AvgPool2d), ({"pool": "max"}, nn.MaxPool2d)],
)
def test_layers(settings: dict[str, str], kind: type[nn.Module]) -> None:
    modules = list(vgg16(channels=3, size=(32, 32), classes=10, **settings).modules())
    assert sum(isinstance(module, nn.Conv2d) for module in modules) == 13
    assert sum(isinstance(module, nn.Linear) for module in modules) == 1
    assert sum(isinstance(module, kind) for module in modules) == 5


def test_small_images_and_other_pools_are_refused() -> None:
    with pytest.raises(BadModel, match="images of 28x28 are too small: resize to 32x32 or more"):
        vgg16(channels=1, size=(28, 28), classes=10)
    with pytest.raises(BadSetting, match="pool is 'mean', but must be one of average, max"):
        vgg16(channels=1, size=(32, 32), classes=10, pool="mean")
