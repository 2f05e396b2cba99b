"""The scripts of `reproduce/`, which are no package, as modules of a test."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "reproduce"


@contextmanager
def loaded(name: str) -> Iterator[ModuleType]:
    """The script of that name, until the block ends; what it imports of its neighbours is forgotten with it."""
    before = set(sys.modules)
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))
        for other in set(sys.modules) - before:
            file = getattr(sys.modules[other], "__file__", None)
            if file is not None and Path(file).parent == FOLDER:
                del sys.modules[other]
