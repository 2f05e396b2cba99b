"""From a TOML file to the settings of a search; whatever cannot be is refused by file, table and key.

Tables are the fields of `settings.SearchSettings`; paths are taken from the folder that the command runs in. Under
[train], options of a training stand beside its own keys. Numbers must be numbers: "8" is not 8.
"""

import json
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from spikewright.data.files import unread
from spikewright.data.json_file import parsed
from spikewright.errors import BadFile, BadSetting, nearest
from spikewright.exploration.request.settings import BITS, SEARCHED, SearchSettings, TrainTable
from spikewright.exploration.request.space import ConvertedSpace, TrainedSpace
from spikewright.training.snn import recipes

SPACES = {"train": TrainedSpace, "convert": ConvertedSpace}
NEEDED = ("kind", "out", "network", "space")
Keys = tuple[str, ...]  # keys from the top of the file


def read(path: Path) -> SearchSettings:
    """The search that a file describes.

    Raises:
        BadFile: no such file, or not TOML.
        BadSetting: an unknown key (the nearest is named), a missing one, or a value that cannot be.
    """
    if not path.is_file():
        raise BadFile(f"no search configuration at {path}: give a TOML file (docs/search.md shows one)")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        _ = parsed(json.dumps(raw, default=str), finite=False)  # bounds on numbers, text and nesting
    except OSError as error:
        raise unread(path, error) from None
    except RecursionError:
        raise BadFile(f"{path} is not valid TOML: nested too deeply") from None
    except ValueError as error:
        raise BadFile(f"{path} is not valid TOML: {error}") from None
    try:
        return settings(raw)
    except BadSetting as error:
        raise BadSetting(f"{path}: {error}") from None


def settings(raw: Mapping[str, Any]) -> SearchSettings:
    """The search that tables describe.

    Raises:
        BadSetting: as `read`.
    """
    _require_known(raw, [field.name for field in fields(SearchSettings)], ())
    for name in NEEDED:
        if name not in raw:
            raise BadSetting(f"there is no {name!r}: {_MISSING[name]}")
    hints = typing.get_type_hints(SearchSettings)
    kind = _value(raw["kind"], hints["kind"], ("kind",))
    other = "convert" if kind == "train" else "train"
    if other in raw:
        raise BadSetting(f"[{other}] is for kind = {other!r}, and kind is {kind!r}: leave it out")
    hints["space"] = SPACES[kind]
    return SearchSettings(**{name: _field(hints[name], value, (name,)) for name, value in raw.items()})


_MISSING = {
    "kind": 'give kind = "train" or kind = "convert"',
    "out": "give the folder of the result",
    "network": "give [network] with the run of a trained network",
    "space": "give [space] with the lists to search",
}


def _field(hint: Any, value: Any, path: Keys) -> Any:
    """A value of that type; a table where it is a dataclass, or one of several."""
    choices = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    classes = [choice for choice in choices if is_dataclass(choice)]
    if not classes:
        return _value(value, hint, path)
    if isinstance(value, dict):
        return _table(typing.cast(type[Any], classes[0]), value, path)
    plain = tuple(choice for choice in choices if choice not in classes and choice is not type(None))
    if not plain:
        raise BadSetting(f"{_at(path)} is {_shown(value)}: it must be a table, [{'.'.join(path)}]")
    return _value(value, typing.Union[plain], path)  # noqa: UP007


def _table(cls: type[Any], value: dict[str, Any], path: Keys) -> Any:
    where = f"[{'.'.join(path)}]"
    known = {field.name: field for field in fields(cls) if field.init}
    names = [*known]
    if cls is TrainTable:
        names = [name for name in (*known, *recipes.DEFAULTS) if name not in ("options", *SEARCHED, *BITS)]
        value = _with_options(value, path)
    _require_known({name: None for name in value if name not in known}, names, path)
    for name, field in known.items():
        if field.default is MISSING and field.default_factory is MISSING and name not in value:
            raise BadSetting(f"{where} has no {name!r}: give one")
    hints = typing.get_type_hints(cls)
    made = {name: _field(hints[name], inner, (*path, name)) for name, inner in value.items()}
    try:
        return cls(**made)
    except BadSetting as error:
        words = str(error)
        raise BadSetting(words if words.startswith("[") else f"{where} {words}") from None


def _with_options(raw: Mapping[str, Any], path: Keys) -> dict[str, Any]:
    """Options of a training, which the file has beside the table's own keys, in a table of their own."""
    if "options" in raw:
        raise BadSetting(f"[{'.'.join(path)}] options: give each option a line of its own, as in learning_rate = 0.01")
    given = {name: value for name, value in raw.items() if name in recipes.DEFAULTS}
    plain = {name: value for name, value in raw.items() if name not in given}
    for name, value in given.items():
        given[name] = _value(value, recipes.KINDS[name], (*path, name))
    return {**plain, "options": given} if given else plain


def _require_known(raw: Mapping[str, Any], known: list[str], path: Keys) -> None:
    where = f"[{'.'.join(path)}]: " if path else ""
    for name in raw:
        if name not in known:
            raise BadSetting(f"{where}there is no key {name!r}: {nearest(name, known)}")


def _value(value: Any, hint: Any, path: Keys) -> Any:
    """A plain value, checked as JSON is: lists may be tuples, and text is no number."""
    try:
        return TypeAdapter(hint).validate_json(json.dumps(value, default=str), strict=True)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise BadSetting(f"{_at(path)} is {_shown(value)}: {reason[0].lower()}{reason[1:]}") from None


def _at(path: Keys) -> str:
    return f"[{'.'.join(path[:-1])}] {path[-1]}" if len(path) > 1 else "".join(path)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
