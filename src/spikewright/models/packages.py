"""Networks that other packages publish, by name: `timm:resnet18`, `hf:FOLDER`; the package brings the code.

Nothing is downloaded: weights come from files, or are drawn from a seed. One file a package, found by its prefix.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from torch import Tensor, nn

from spikewright.errors import BadModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What a network is to take and to give: [channels, height, width] to logits [classes]; None: as it is."""

    channels: int
    size: tuple[int, int]
    classes: int | None = None


class Package(Protocol):
    """A package that networks are taken from."""

    def require(self, name: str) -> None:
        """Refuse a name that it does not know.

        Raises:
            BadModel: it does not, or the package is not installed.
        """
        ...

    def has_weights(self, name: str) -> bool:
        """Whether trained weights come with the name."""
        ...

    def build(self, name: str, sizes: Sizes, arrays: Mapping[str, Any]) -> nn.Module:
        """The network, with fresh weights; `arrays` are what it will be filled with, by name, or nothing."""
        ...


def imported(package: str, spec: str) -> ModuleType:
    """A package by its name.

    Raises:
        BadModel: it is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        missing = error.name or package
        raise BadModel(f"model '{spec}': the package {missing} is not installed: pip install {missing}") from None
    except Exception as error:
        raise BadModel(f"model '{spec}': importing {package} failed with {one_line(error)}") from error


def one_line(error: Exception) -> str:
    """An error's type and words, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def rows_of(arrays: Mapping[str, Any], name: str) -> int | None:
    """How many rows the weight of a layer has in a file; None: it has none."""
    weight = arrays.get(f"{name}.weight")
    return weight.shape[0] if isinstance(weight, Tensor) and weight.dim() else None


def packages() -> dict[str, Package]:
    """The packages by the prefix of their names."""
    from spikewright.models.from_timm import Timm  # noqa: PLC0415 - they use what stands here
    from spikewright.models.from_transformers import Transformers  # noqa: PLC0415

    return {"timm": Timm(), "hf": Transformers()}


def package_of(spec: str) -> tuple[Package, str] | None:
    """The package that a name begins with, and the rest of it; None: it is no such name."""
    prefix, colon, name = spec.partition(":")
    found = packages().get(prefix)
    return (found, name) if colon and found is not None else None
