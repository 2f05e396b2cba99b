"""What a person names as a model, as something that builds it once its inputs are known.

a name of the library   `cnn`                       for any channels, size and classes
a package's             `timm:resnet18`, `hf:DIR`   for any, where the package's network lets itself be changed
one's own               `package.module:factory`    as it is
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from spikewright.models import find
from spikewright.models.factory import load_factory
from spikewright.models.initialise import seeded
from spikewright.models.packages import Sizes, package_of
from spikewright.models.weights import fill, read_weights
from spikewright.models.wrappers import look_through

CLASSES = 10  # of a network of the library, where nobody says


class Made(NamedTuple):
    """A network, and what a person should know of how it was had, a line each."""

    model: nn.Module
    notes: tuple[str, ...]


Build = Callable[[Sizes], Made]


def brings_its_sizes(name: str) -> bool:
    """Whether a model says itself what it takes and gives: it is none of the library's."""
    return ":" in name


def brings_weights(name: str) -> bool:
    """Whether trained weights come with a package's name; of a factory nobody knows."""
    packaged = package_of(name)
    return packaged is not None and packaged[0].has_weights(packaged[1])


def maker(name: str, *, weights: Path | None = None, seed: int = 0) -> Build:
    """What builds a model by its name. What needs no inputs is done, or refused, at once.

    Raises:
        BadModel, BadFile: as `find.require_known`, `load_factory`, `read_weights` and the packages say; when it is
            built, as `fill` says.
    """
    build = _fresh(name, seed)
    found = None if weights is None else read_weights(weights)

    def make(sizes: Sizes) -> Made:
        inside = look_through(build(sizes, {} if found is None else found.arrays))
        notes = (inside.note, None if found is None else fill(inside.model, found))
        return Made(inside.model.to("cpu"), tuple(note for note in notes if note is not None))

    return make


def _fresh(name: str, seed: int) -> Callable[[Sizes, Mapping[str, Any]], nn.Module]:
    packaged = package_of(name)
    if packaged is not None:
        package, inner = packaged
        package.require(inner)

        def of_package(sizes: Sizes, arrays: Mapping[str, Any]) -> nn.Module:
            with seeded(seed):
                return package.build(inner, sizes, arrays)

        return of_package
    if brings_its_sizes(name):
        own = load_factory(name, seed=seed)
        return lambda sizes, arrays: own  # noqa: ARG005
    find.require_known(name)

    def of_library(sizes: Sizes, arrays: Mapping[str, Any]) -> nn.Module:  # noqa: ARG001
        classes = CLASSES if sizes.classes is None else sizes.classes
        return find.build(name, channels=sizes.channels, size=sizes.size, classes=classes, seed=seed)

    return of_library
