"""The folder is the registry: `find("methods", "exact")` imports conversion/methods/exact.py and returns its class.

A name is the file's name; the file holds one public dataclass that is not imported from elsewhere. Adding a
method is adding a file; there is no table to edit.
Settings given as text are checked against the dataclass by `configure`.
"""

import importlib
import inspect
import pkgutil
import typing
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from spikewright.errors import BadSetting, did_you_mean, nearest

FOLDERS = {
    "methods": "spikewright.conversion.methods",
    "calibrators": "spikewright.conversion.calibrators",
    "faults": "spikewright.reliability.faults",
    "schedules": "spikewright.snn.schedules",
}
"""Where each kind of thing that is asked for by name has its files."""


def names(folder: str) -> list[str]:
    """List what a folder of the package offers, in alphabetical order."""
    package = importlib.import_module(FOLDERS[folder])
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name[0] != "_")


def find(folder: str, name: str) -> type[Any]:
    """Return the public dataclass that the file `name` of `folder` defines.

    Raises:
        BadSetting: no such file; the message lists what there is.
    """
    if name not in names(folder):
        raise BadSetting(f"no {folder.rstrip('s')} named {name!r}: {nearest(name, names(folder))}")
    module = importlib.import_module(f"{FOLDERS[folder]}.{name}")
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and value.__module__ == module.__name__
        and is_dataclass(value)
        and not value.__name__.startswith("_")
    ]
    if len(found) != 1:
        raise BadSetting(f"{module.__name__} must define one public dataclass, has {len(found)}")
    return found[0]


def configure(cls: type[Any], settings: dict[str, Any]) -> Any:
    """Build `cls` from settings that may be text, each converted to its field's type.

    Raises:
        BadSetting: an unknown setting (the known ones are listed), a missing one, or a value of the wrong type.
    """
    known = {field.name: field for field in fields(cls) if field.init}
    for key in settings:
        if key not in known:
            raise BadSetting(
                f"{cls.__name__} has no setting {key!r}: {did_you_mean(key, known)}known are {', '.join(known)}"
            )
    for key, field in known.items():
        if field.default is MISSING and field.default_factory is MISSING and key not in settings:
            raise BadSetting(f"{cls.__name__} needs a value for {key!r}: give {key}=…")
    hints = typing.get_type_hints(cls)
    values = {}
    for key, value in settings.items():
        try:
            values[key] = TypeAdapter(hints[key]).validate_python(value)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise BadSetting(f"{cls.__name__}: setting {key}={value!r} is not valid: {reason}") from None
    return cls(**values)
