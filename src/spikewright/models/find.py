"""The folder is the registry: every factory in the `MODELS` of a file of this folder is a model by its name.

A factory takes `channels`, `size` (height, width) and `classes`, and returns a fresh network that maps
[N, channels, height, width] to logits [N, classes].
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from spikewright.errors import BadModel, BadSetting, nearest
from spikewright.models.initialise import seeded

MOST_PIXELS = 2**23  # numbers of one input: 3 x 1,600 x 1,600 and some
MOST_PARAMETERS = 2**28  # a gigabyte in float32; VGG16 for ImageNet has half of that


def _factories() -> dict[str, Callable[..., nn.Module]]:
    found: dict[str, Callable[..., nn.Module]] = {}
    package = __name__.rpartition(".")[0]
    for info in pkgutil.iter_modules([str(Path(__file__).parent)]):
        module = importlib.import_module(f"{package}.{info.name}")
        found |= {factory.__name__: factory for factory in getattr(module, "MODELS", ())}
    return found


def names() -> list[str]:
    """List the names that `build` knows, sorted."""
    return sorted(_factories())


def require_known(name: str) -> None:
    """Refuse a name that `build` does not know.

    Raises:
        BadModel: it does not; the names there are are listed.
    """
    factories = _factories()
    if name not in factories:
        way_out = nearest(name, sorted(factories))
        raise BadModel(f"model '{name}' is not known: {way_out}, or give package.module:factory")


def build(name: str, *, channels: int, size: tuple[int, int], classes: int, seed: int, **settings: object) -> nn.Module:
    """Build a fresh network whose weights depend on `seed` alone; the global generator is left as it was.

    `size` is (height, width) in pixels; `settings` go to the factory (`pool="max"` of vgg16).

    Raises:
        BadModel: the name is not known, or the images are too small for this network.
        BadSetting: a number below one, or a setting that this network does not have.

    """
    require_known(name)
    factories = _factories()
    for label, number in {
        "channels": channels,
        "height": size[0],
        "width": size[1],
        "classes": classes,
    }.items():
        if number < 1:
            raise BadSetting(f"model '{name}': {label} is {number}, but must be 1 or more")
    allowed = set(inspect.signature(factories[name]).parameters) - {"channels", "size", "classes"}
    for setting in settings:
        if setting not in allowed:
            has = f"it has {', '.join(sorted(allowed))}" if allowed else "it has none"
            raise BadSetting(f"model '{name}': setting '{setting}' is not known: {has}")
    _require_affordable(
        name, channels, size, lambda: factories[name](channels=channels, size=size, classes=classes, **settings)
    )
    with seeded(seed):
        return factories[name](channels=channels, size=size, classes=classes, **settings)


def _require_affordable(name: str, channels: int, size: tuple[int, int], make: Callable[[], nn.Module]) -> None:
    """Refuse what would have more numbers than a model of this library is for, before any is drawn.

    Raises:
        BadSetting: the images or the parameters hold too many.
    """
    pixels = channels * size[0] * size[1]
    if pixels > MOST_PIXELS:
        raise BadSetting(
            f"model '{name}': {channels} channels of {size[0]}x{size[1]} are {pixels:,} numbers an image: "
            f"{MOST_PIXELS:,} at most"
        )
    with torch.device("meta"):
        numbers = sum(array.numel() for array in make().parameters())
    if numbers > MOST_PARAMETERS:
        raise BadSetting(
            f"model '{name}': for these channels, size and classes it would have {numbers:,} parameters: "
            f"{MOST_PARAMETERS:,} at most"
        )
