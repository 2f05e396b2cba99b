"""JSON that anybody may have edited, read in one place: what cannot be meant is refused before anything looks at it.

Refused are text that is not JSON, NaN and infinity, numbers beyond 64 bits, nesting that no file of ours has, half of a
surrogate pair, and files that are no JSON by their size alone.
"""

import json
from pathlib import Path
from typing import Any

from spikewright.data.files import unread
from spikewright.errors import BadFile

MOST_BYTES = 1 << 28
MOST_DEPTH = 100  # the deepest file of ours has about a dozen
LEAST, MOST = -(1 << 63), (1 << 63) - 1  # what an int64 holds: tensors have no larger integers


def read_json(path: Path, *, way_out: str = "it is truncated or was edited; make it again") -> Any:
    """What the JSON of a file says.

    Args:
        path: the file.
        way_out: the end of the message where it cannot be read.

    Raises:
        BadFile: it cannot be read, or `parsed` refuses what is in it.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise BadFile(f"{path} has {size:,} bytes, and no such file is larger than {MOST_BYTES:,}: {way_out}")
        return parsed(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise unread(path, error) from None
    except NotJSON as error:
        raise BadFile(f"{path} is not valid JSON ({error}): {way_out}") from None
    except UnicodeDecodeError as error:
        raise BadFile(f"{path} is not valid JSON ({error.reason} at byte {error.start}): {way_out}") from None


class NotJSON(ValueError):
    """The text is none of ours; says why in a few words."""


def parsed(text: str, *, finite: bool = True) -> Any:
    """What a text says; without `finite`, NaN and infinity are numbers.

    Raises:
        NotJSON: it says nothing that can be meant.
    """
    try:
        constant, number = (_constant, _number) if finite else (float, float)
        content = json.loads(text, parse_constant=constant, parse_int=_integer, parse_float=number)
    except RecursionError:
        raise NotJSON(f"nested deeper than {MOST_DEPTH} times") from None
    except json.JSONDecodeError as error:
        raise NotJSON(str(error)) from None
    _require_plain(content)
    return content


def _constant(word: str) -> float:
    raise NotJSON(f"{word} is no number")


def _integer(digits: str) -> int:
    # 19 digits and a sign: more are not turned into a number at all, which takes Python long or fails
    if len(digits) > 20 or not LEAST <= int(digits) <= MOST:
        raise NotJSON(f"an integer of {len(digits.lstrip('-'))} digits is beyond 64 bits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if value - value != 0:
        raise NotJSON(f"{digits[:20]} is beyond what a number can be")
    return value


def _require_plain(content: Any) -> None:
    """Refuse deep nesting and half surrogate pairs; layer by layer, as recursion has an end of its own."""
    layer = [content]
    for _ in range(MOST_DEPTH):
        inner: list[Any] = []
        for value in layer:
            if isinstance(value, str):
                _require_text(value)
            elif isinstance(value, dict):
                inner += [*value, *value.values()]
            elif isinstance(value, list):
                inner += value
        if not inner:
            return
        layer = inner
    raise NotJSON(f"nested deeper than {MOST_DEPTH} times")


def _require_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotJSON("a text holds half of a surrogate pair") from None
