"""Each test has a cache of its own; a small folder of images to read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HEIGHT, WIDTH = 8, 6


def write_images(folder: Path, *, per_class: dict[str, int]) -> None:
    """Write grey noise as SPLIT/CLASS/NUMBER.png for the classes cat and dog, the same in every run."""
    noise = np.random.default_rng(0)
    for split, count in per_class.items():
        for label in ("cat", "dog"):
            (folder / split / label).mkdir(parents=True)
            for number in range(count):
                pixels = noise.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / label / f"{number}.png")


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("SPIKEWRIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make 20 training and 6 test images in two classes, 8x6 pixels, grey."""
    write_images(tmp_path / "set", per_class={"train": 10, "test": 3})
    return tmp_path / "set"
