"""Kinds of things, a file each: a folder of the package is the list of what there is.

    op: Annotated[Operation, OneOf("spikewright.ann.ops")]
is validated from JSON as whatever class of that folder bears the `kind` that the JSON names. So a new neuron, schedule
or operation is one file and its test, and nothing else lists it.
"""

import importlib
import inspect
import pkgutil
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Union

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema


@cache
def classes(folder: str) -> dict[str, type[Any]]:
    """The frozen dataclasses with a `kind` that the files of a folder define, by that kind, in alphabetical order.

    Args:
        folder: a package by its full name, such as `spikewright.snn.neurons`.

    Raises:
        TypeError: two classes bear one kind.
    """
    package = importlib.import_module(folder)
    found: dict[str, type[Any]] = {}
    for file in pkgutil.iter_modules(package.__path__):
        if file.name.startswith("_"):  # what the folder's files share, and no kind
            continue
        module = importlib.import_module(f"{folder}.{file.name}")
        for value in vars(module).values():
            if not (inspect.isclass(value) and value.__module__ == module.__name__ and is_dataclass(value)):
                continue
            kind = next((field.default for field in fields(value) if field.name == "kind"), None)
            if not isinstance(kind, str) or value.__name__.startswith("_"):
                continue
            if kind in found:
                raise TypeError(f"{found[kind].__name__} and {value.__name__} are both of kind {kind!r}")
            found[kind] = value
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class OneOf:
    """Marks a field whose value is of a class of `folder`, told apart by its `kind`."""

    folder: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The union of the folder's classes, as it is when the schema is made."""
        union: Any = Union[tuple(classes(self.folder).values())]  # noqa: UP007 - made from a list
        return handler.generate_schema(Annotated[union, Field(discriminator="kind")])
