"""Bounds on whatever any verb is given: whole numbers that can be counted to, finite numbers, names that a disk takes.

What an option means, and what goes with what, is checked where the option is used.
"""

import functools
import inspect
import os
import re
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from spikewright.data.files import LONGEST_NAME, LONGEST_PATH
from spikewright.errors import BadSetting

LARGEST = 2**63 - 1  # what seeds and sizes are kept in
MOST = {
    "epochs": 10**6,
    "calibration_epochs": 10**6,
    "batch_size": 10**6,
    "batch": 10**6,
    "rounds": 10**6,
    "images": 10**9,
    "codes_images": 10**9,
    "calibration": 10**9,
    "maps": 10**9,
    "cap": 10**9,
    "timesteps": 2**16,
    "devices": 1024,
    "workers": 1024,
    "cutout": 10**4,
    "channels": 2**14,
    "classes": 2**20,
}


def bounded(verb: Callable[..., None]) -> Callable[..., None]:
    """The same verb, which refuses what no option takes before it does anything.

    Raises:
        BadSetting: by the verb, where an option is beyond the bounds.
    """

    @functools.wraps(verb)
    def checked(**given: Any) -> None:
        for name, value in given.items():
            for one in value if isinstance(value, list | tuple) else (value,):
                _require(name, one)
        verb(**given)

    # options are read from it, not from the wrapper's own
    checked.__signature__ = inspect.signature(verb)  # pyright: ignore[reportAttributeAccessIssue]
    return checked


def require_no_gaps(arguments: Sequence[str]) -> None:
    """Refuse an argument without text: as a path it would mean the folder that the command runs in.

    Raises:
        BadSetting: there is one.
    """
    for before, argument in zip(("", *arguments), arguments, strict=False):
        if not argument or re.fullmatch(r"--[a-z][a-z-]*=", argument):
            where = argument.rstrip("=") or (before if before.startswith("--") else "an argument")
            raise BadSetting(f"{where} is empty: give it a value, or leave it out")


def _require(name: str, value: Any) -> None:
    flag = "--" + name.rstrip("_").replace("_", "-")
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        _require_whole(flag, value, MOST.get(name, LARGEST))
    elif isinstance(value, float) and not isfinite(value):
        raise BadSetting(f"{flag} is {value}: give a finite number")
    elif isinstance(value, str):
        _require_text(flag, value)
    elif isinstance(value, Path):
        _require_path(flag, value)


def _require_whole(flag: str, value: int, most: int) -> None:
    if not -LARGEST <= value <= most:
        digits = len(str(abs(value)))
        shown = str(value) if digits <= 20 else f"a number of {digits} digits"
        end = f"{most:,} is the most" if value > most else f"{-LARGEST:,} is the least"
        raise BadSetting(f"{flag} is {shown}: {end} there is")


def _require_text(flag: str, value: str) -> None:
    if len(os.fsencode(value)) > LONGEST_PATH:
        raise BadSetting(f"{flag} has {len(value):,} characters: {LONGEST_PATH:,} at most")
    if any(digits > _DIGITS for digits in map(len, re.findall(r"\d+", value))) and not value.count("/"):
        raise BadSetting(f"{flag} holds a number of more than {_DIGITS} digits: give one that can be meant")


_DIGITS = 400  # as many as a float can have before its point


def _require_path(flag: str, value: Path) -> None:
    encoded = os.fsencode(value)
    if len(encoded) > LONGEST_PATH:
        raise BadSetting(f"{flag} has {len(encoded):,} bytes: a path has {LONGEST_PATH:,} at most")
    for part in value.parts:
        if len(os.fsencode(part)) > LONGEST_NAME:
            raise BadSetting(f"{flag}: the name {part[:20]}… has more than {LONGEST_NAME} bytes: give a shorter one")
