"""Every model by its name: shapes, seeds, and the errors of a wrong name or size."""

import pytest
import torch

from spikewright.errors import BadModel, BadSetting
from spikewright.models import build, names

NAMES = [
    "cnn",
    "mobilenetv2",
    "resnet18",
    "resnet19",
    "resnet20",
    "resnet34",
    "top0",
    "top1",
    "top2",
    "top3",
    "top4",
    "vgg16",
    "vggsnn",
]


def test_the_folder_is_the_registry() -> None:
    assert names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_model_maps_images_to_logits(name: str) -> None:
    size = {"vgg16": (32, 32), "vggsnn": (16, 16)}.get(name, (8, 8))
    model = build(name, channels=3, size=size, classes=7, seed=0).eval()
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = model(images)
        one = model(images[1:2])
    assert logits.shape == (2, 7)
    assert logits.isfinite().all()
    torch.testing.assert_close(logits[1:2], one)
    assert logits.std(dim=0).max() > 0, "the logits do not depend on the image"


@pytest.mark.parametrize("name", ["top1", "cnn", "resnet20"])
def test_weights_depend_on_the_seed_alone(name: str) -> None:
    def weights(seed: int) -> torch.Tensor:
        model = build(name, channels=1, size=(8, 8), classes=10, seed=seed)
        return torch.cat([parameter.flatten() for parameter in model.parameters()])

    torch.manual_seed(1)
    first, state = weights(0), torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(weights(0), first)
    assert not torch.equal(weights(1), first)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state), "the global generator moved"


def test_a_wrong_name_is_answered_with_the_near_one() -> None:
    with pytest.raises(BadModel, match="'resnet43' is not known: did you mean 'resnet34'\\? choose among cnn, ") as e:
        build("resnet43", channels=1, size=(8, 8), classes=10, seed=0)
    assert "\n" not in str(e.value)


def test_wrong_numbers_and_settings_are_refused() -> None:
    with pytest.raises(BadSetting, match="model 'cnn': classes is 0, but must be 1 or more"):
        build("cnn", channels=1, size=(8, 8), classes=0, seed=0)
    with pytest.raises(BadSetting, match="model 'vgg16': setting 'pol' is not known: it has pool"):
        build("vgg16", channels=1, size=(32, 32), classes=10, seed=0, pol="max")
    with pytest.raises(BadSetting, match="setting 'pool' is not known: it has none"):
        build("cnn", channels=1, size=(8, 8), classes=10, seed=0, pool="max")
