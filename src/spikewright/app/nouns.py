"""The classes of a folder as attributes: `sw.methods.Exact` is the class that conversion/methods/exact.py defines.

The folder is the list of what there is, so that a new method or fault is here as soon as its file is.
"""

from dataclasses import dataclass
from typing import Any

from spikewright.app.registry import find, names


@dataclass(frozen=True, slots=True)
class Nouns:
    """The classes of one folder of the registry, by name.

    Attributes:
        folder: its name in the registry: methods, faults, calibrators.
    """

    folder: str

    def __getattr__(self, name: str) -> type[Any]:
        """The class of that name.

        Raises:
            AttributeError: there is none.
        """
        if not name.startswith("_"):
            file = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")
            if file in names(self.folder) and find(self.folder, file).__name__ == name:
                return find(self.folder, file)
        raise AttributeError(f"there is no {name!r} among {self.folder}: there are {', '.join(dir(self))}")

    def __dir__(self) -> list[str]:
        return sorted(find(self.folder, name).__name__ for name in names(self.folder))

    def __repr__(self) -> str:
        return f"{self.folder}: {', '.join(dir(self))}"
