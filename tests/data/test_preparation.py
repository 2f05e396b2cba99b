"""The preparation against arithmetic written out by hand, and PIL as the oracle for size and colour."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import TypeAdapter

from spikewright.data.preparation import InputPreparation
from spikewright.errors import BadData, BadSetting

GREY = InputPreparation(mean=(0.5,), std=(0.25,), size=None, channels=1)


def random_images(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_every_pixel_value_is_scaled_per_channel() -> None:
    prepare = InputPreparation(mean=(0.5, 0.1), std=(0.25, 2.0), size=(16, 16), channels=2)
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).repeat(1, 2, 1, 1)
    got = prepare(images)
    assert got.dtype == torch.float32
    for channel, (mean, std) in enumerate(((0.5, 0.25), (0.1, 2.0))):
        wanted = [(value / 255 - mean) / std for value in range(256)]
        assert got[0, channel].flatten().tolist() == pytest.approx(wanted, abs=1e-6)


def test_the_images_given_stay_as_they_are() -> None:
    images = random_images(2, 1, 4, 4)
    before = images.clone()
    GREY(images)
    assert torch.equal(images, before)


def test_a_row_does_not_depend_on_its_batch() -> None:
    prepare = InputPreparation(mean=(0.3,) * 3, std=(0.2,) * 3, size=(5, 7), channels=3)
    images = random_images(6, 3, 12, 9)
    assert torch.equal(prepare(images)[2:4], prepare(images[2:4]))


@pytest.mark.parametrize("size", [(7, 5), (40, 33)])
def test_resizing_is_pil_s_antialiased_bilinear(size: tuple[int, int]) -> None:
    images = random_images(1, 1, 20, 24)
    prepare = InputPreparation(mean=(0.0,), std=(1.0,), size=size, channels=1)
    pil = Image.fromarray(images[0, 0].numpy()).resize(size[::-1], Image.Resampling.BILINEAR)
    assert np.abs(prepare(images)[0, 0].numpy() * 255 - np.asarray(pil)).max() < 1.01  # PIL rounds twice


def test_rgb_becomes_pil_s_grey_and_grey_is_repeated() -> None:
    images = random_images(1, 3, 6, 6)
    grey = Image.fromarray(images[0].permute(1, 2, 0).numpy()).convert("L")
    prepare = InputPreparation(mean=(0.0,), std=(1.0,), size=None, channels=1)
    assert np.abs(prepare(images)[0, 0].numpy() * 255 - np.asarray(grey)).max() < 0.51
    colour = InputPreparation(mean=(0.0,) * 3, std=(1.0,) * 3, size=None, channels=3)(images[:, :1])
    assert torch.equal(colour[:, 0], colour[:, 2])
    assert colour.shape == (1, 3, 6, 6)


def test_value_range_is_that_of_black_and_white() -> None:
    prepare = InputPreparation(mean=(0.5, 0.2), std=(0.25, 0.1), size=None, channels=2)
    assert prepare.value_range == pytest.approx((-2.0, 8.0))


def test_json_round_trip_gives_an_equal_hashable_object() -> None:
    prepare = InputPreparation(mean=(0.5,), std=(0.25,), size=(28, 28), channels=1)
    text = json.dumps(dataclasses.asdict(prepare))
    assert InputPreparation(**json.loads(text)) == prepare
    again = TypeAdapter(InputPreparation).validate_json(text)
    assert again == prepare
    assert hash(again) == hash(prepare)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": (0.5, 0.5)}, "mean has 2 values for 1 channels: give one per channel"),
        ({"std": ()}, "std has 0 values for 1 channels"),
        ({"std": (0.0,)}, "every value must be above 0"),
        ({"std": (float("nan"),)}, "every value must be finite"),
        ({"mean": (float("inf"),)}, "every value must be finite"),
        ({"channels": 0}, "channels is 0: it must be 1 or more"),
        ({"size": (0, 4)}, r"size is \(0, 4\): give \(height, width\)"),
        ({"size": (4,)}, r"give \(height, width\)"),
        ({"size": (2**14, 2**14 + 1)}, r"1 channels of \(16384, 16385\) are more than 268,435,456 numbers an image"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, tuple[float, ...]], message: str) -> None:
    with pytest.raises(BadSetting, match=message) as caught:
        dataclasses.replace(GREY, **change)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_the_largest_image_is_allowed() -> None:
    assert dataclasses.replace(GREY, size=(2**14, 2**14)).size == (16_384, 16_384)
    assert dataclasses.replace(GREY, size=(1, 1)).size == (1, 1)


def test_other_inputs_are_refused() -> None:
    with pytest.raises(BadData, match=r"got torch.float32 of shape \(1, 1, 4, 4\): give uint8 images"):
        GREY(torch.zeros(1, 1, 4, 4))
    with pytest.raises(BadData, match=r"shape \(4, 4\)"):
        GREY(random_images(4, 4))
    with pytest.raises(BadData, match="images have 4 channels, the network takes 1: only grey and RGB"):
        GREY(random_images(1, 4, 4, 4))
