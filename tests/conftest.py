"""Shared by all tests: one thread a worker, shapes checked where the package promises them, no network.

What takes long and is guarded by a quicker test as well is run with `--all` alone: tests marked `slow`, and the
models of the zoo beyond `zoo.COVERING`.
"""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

from jaxtyping import install_import_hook

sys.path.insert(0, str(Path(__file__).parent))  # so that any test may import from `support`
install_import_hook("spikewright.snn.trains", "beartype.beartype")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import settings  # noqa: E402

from spikewright.data import ImageData, Split, load, lookup  # noqa: E402

torch.set_num_threads(1)
# where PyTorch has no oneDNN it convolves by transforms, whose sums of integers are not exact; verbs switch it off, too
torch.backends.nnpack.set_flags(False)
settings.register_profile("quick", max_examples=60, deadline=None, derandomize=True)
settings.load_profile("quick")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="also what is slow, and the whole zoo")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--all"):
        return
    left_out = {item for item in items if item.get_closest_marker("slow") or item.get_closest_marker("whole_zoo")}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """What is imported stays: a million objects, and going through them again and again takes a tenth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's client tries for half a minute where there is none, even with HF_HUB_OFFLINE set after its import."""
    monkeypatch.setattr(lookup, "hub_answers", lambda: False)


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
