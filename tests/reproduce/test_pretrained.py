"""What is done to images before a pretrained network sees them, and the results that are beside the script."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support.scripts import FOLDER, loaded


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    with loaded("pretrained") as module:
        yield module


@pytest.fixture(scope="module")
def networks() -> dict[str, Any]:
    return json.loads((FOLDER / "pretrained.json").read_text())["networks"]


def test_the_middle_of_a_picture_is_cut_without_change(script: ModuleType) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 300, 3), dtype=np.uint8)
    found = script.cut(Image.fromarray(pixels))
    assert found.shape == (3, 224, 224)
    for row, column in ((0, 0), (100, 7), (223, 223)):
        assert found[:, row, column].tolist() == pixels[16 + row, 38 + column].tolist()


def test_a_larger_picture_is_brought_to_the_shorter_side(script: ModuleType) -> None:
    ramp = np.tile(np.linspace(0, 255, 1024).astype(np.uint8), (512, 1))
    found = script.cut(Image.fromarray(ramp))  # grey, and 512 × 256 after the change of size
    assert found.shape == (3, 224, 224)
    assert torch.equal(found[0], found[2])
    assert abs(float(found[0, 0, 0]) - 255 * 144 / 512) < 2
    assert abs(float(found[0, 0, 223]) - 255 * 368 / 512) < 2


def test_each_network_sees_pixels_as_it_was_trained(script: ModuleType) -> None:
    pixels = torch.tensor([200.0, 100.0, 10.0]).reshape(1, 3, 1, 1)
    assert script.for_squeezenet(pixels).flatten().tolist() == [10 - 104, 100 - 117, 200 - 123]
    assert script.for_efficientnet(pixels).flatten().tolist() == [73 / 128, -27 / 128, -117 / 128]


def test_synthetic_images_are_pixels_and_those_for_thresholds_are_others(script: ModuleType) -> None:
    first, _ = script.pictures(None, "train", 2)
    second, labels = script.pictures(None, "test", 2)
    assert labels is None
    assert first.shape == second.shape == (2, 3, 224, 224)
    assert torch.equal(second, second.round())
    assert second.min() >= 0
    assert second.max() <= 255
    assert second.std() > 20
    assert not torch.equal(first, second)
    assert torch.equal(second, script.pictures(None, "test", 2)[0])


def test_a_folder_gives_its_splits_evenly(script: ModuleType, tmp_path: Path) -> None:
    for split, shade in (("train", 1), ("test", 101)):
        for label in range(2):
            for row in range(3):
                file = tmp_path / split / f"class{label}" / f"{row}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (256, 256), (shade + 3 * label + row,) * 3).save(file)
    images, labels = script.pictures(tmp_path, "test", 3)
    assert images[:, 0, 0, 0].tolist() == [101, 103, 105]
    assert labels == [0, 0, 1]
    assert script.pictures(tmp_path, "train", 6)[0][:, 0, 0, 0].tolist() == [1, 2, 3, 4, 5, 6]


def test_no_code_differs_on_twenty_images(script: ModuleType, networks: dict[str, Any]) -> None:
    assert list(networks) == list(script.NETWORKS)
    for name, found in networks.items():
        assert [row["timesteps"] for row in found["rows"]] == list(script.TIMESTEPS), name
        for row in found["rows"]:
            assert row["images"] == 20
            assert row["codes"] > 10**7
            assert row["mismatched_codes"] == 0
