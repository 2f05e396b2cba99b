"""Shared by all tests: one thread a worker, and shapes checked where the package promises them."""

import sys
from pathlib import Path

from jaxtyping import install_import_hook

sys.path.insert(0, str(Path(__file__).parent))  # so that any test may `import zoo`
install_import_hook("spikewright.snn.trains", "beartype.beartype")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import settings  # noqa: E402

from spikewright.data import ImageData, Split, load  # noqa: E402

torch.set_num_threads(1)
settings.register_profile("quick", max_examples=60, deadline=None, derandomize=True)
settings.load_profile("quick")


@pytest.fixture(scope="session")
def digits() -> ImageData:
    data = load("digits")

    def first(split: Split, count: int) -> Split:
        return Split(images=np.ascontiguousarray(split.images[:count]), labels=split.labels[:count])

    return ImageData(
        name="digits",
        classes=10,
        train=first(data.train, 600),
        validation=data.validation,
        test=data.test,
        preparation=data.preparation,
        fingerprint="digits-600",
    )
