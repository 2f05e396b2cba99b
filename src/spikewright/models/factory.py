"""Bring one's own network: "package.module:factory" names a callable without arguments that returns a module.

The current directory is importable while the factory is found and called.
"""

import importlib
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from torch import nn

from spikewright.errors import BadModel
from spikewright.models.initialise import seeded

_IMPORTER = importlib.__file__


@contextmanager
def _current_directory_importable() -> Iterator[None]:
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        # the user's code may have changed sys.path: take out our own entry, wherever it is now
        if folder in sys.path:
            sys.path.remove(folder)


def _cause(error: Exception) -> str:
    """Tell an error in one line: its type, its words, and the last line of the user's own code it passed."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "site-packages" not in f.filename and f.filename not in (__file__, _IMPORTER)]
    place = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    if isinstance(error, SyntaxError):
        place = ""  # its own words already name the file and line
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"


def _import(spec: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise BadModel(
                f"model '{spec}': no module named '{error.name}': start in the folder that holds it, or install it"
            ) from None
        raise BadModel(f"model '{spec}': importing '{name}' failed with {_cause(error)}") from error
    except Exception as error:
        raise BadModel(f"model '{spec}': importing '{name}' failed with {_cause(error)}") from error


def _call(spec: str, factory: object) -> object:
    if not callable(factory):
        raise BadModel(f"model '{spec}': a {type(factory).__name__} cannot be called: name a function or class")
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise BadModel(
            f"model '{spec}': the factory must take no arguments ({error}): wrap it in a function that gives them"
        ) from None
    except ValueError:
        pass  # a builtin without a signature: calling it will tell
    try:
        return factory()
    except Exception as error:
        raise BadModel(f"model '{spec}': the factory failed with {_cause(error)}") from error


def load_factory(spec: str, *, seed: int = 0) -> nn.Module:
    """Import `package.module:factory`, call it and return its network, in the mode the factory left it in.

    A name that already holds a network is returned as it is. Weights drawn by the factory depend on `seed`.

    Raises:
        BadModel: no colon, no such module or name, the factory needs arguments or fails, or it returns
            something that is not an `nn.Module`.

    """
    name, colon, attribute = spec.partition(":")
    if not (colon and name and attribute) or name.startswith("."):
        raise BadModel(f"model '{spec}' is neither a known name nor of the form package.module:factory")
    with _current_directory_importable():
        with seeded(seed):
            found: object = _import(spec, name)
        for part in attribute.split("."):
            if not hasattr(found, part):
                raise BadModel(f"model '{spec}': '{name}' has no '{attribute}': check the part after the colon")
            found = getattr(found, part)
        if isinstance(found, nn.Module):
            return found
        # apart from the import: a module is imported once, and may draw numbers of its own
        with seeded(seed):
            made = _call(spec, found)
    if not isinstance(made, nn.Module):
        raise BadModel(
            f"model '{spec}': the factory returned a {type(made).__name__}: it must return a torch.nn.Module"
        )
    return made
