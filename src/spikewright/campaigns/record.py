"""The record of campaigns: an append-only file of JSON lines, one a fault map, so that nothing done is done again.

    {"campaign": "9f…", "is": {…}}                                          once a campaign, what it is
    {"campaign": "9f…", "stratum": "model", "map": 17, "right": 1873, …}    once a map
A map's line says the same whoever worked it out, and when; so lines of several machines, or of a run that was killed
and of the one that went on, are one record, and order means nothing. A last line that a kill cut off is taken away.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TextIO

from spikewright.campaigns.outcomes import Outcome
from spikewright.errors import BadFile

try:
    import fcntl
except ImportError:  # where there is none, two commands on one record are not noticed
    fcntl = None

FORMAT = 1


class Key(NamedTuple):
    """One map of one campaign."""

    campaign: str
    stratum: str
    number: int


@dataclass(slots=True)
class Record:
    """An open record.

    Attributes:
        done: what is known of each map.
        path: the file; None: kept in memory alone.
    """

    done: dict[Key, Outcome]
    path: Path | None = None
    _file: TextIO | None = None

    @classmethod
    def open(cls, path: Path | None, campaigns: Mapping[str, Mapping[str, Any]]) -> "Record":
        """Open a record for these campaigns, described by their identity, or make it.

        Raises:
            BadFile: the file is no record, is damaged other than at its end, holds another campaign, or is in use.
        """
        if path is None:
            return cls({})
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise BadFile(f"record {path} cannot be written ({error.strerror}): give another --record") from None
        try:
            _lock(file, path)
            done, known = _read(file, path, campaigns)
            for name, described in campaigns.items():
                if name not in known:
                    file.write(_line({"campaign": name, "is": {"format": FORMAT, **described}}))
            file.flush()
        except BaseException:
            file.close()
            raise
        return cls(done, path, file)

    def add(self, found: Iterable[tuple[Key, Outcome]]) -> None:
        """Write down what maps did; on disk when this returns."""
        new = [(key, outcome) for key, outcome in found if key not in self.done]
        self.done.update(new)
        if self._file is None or not new:
            return
        self._file.write(
            "".join(
                _line({"campaign": key.campaign, "stratum": key.stratum, "map": key.number, **outcome._asdict()})
                for key, outcome in new
            )
        )
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> "Record":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, allow_nan=False) + "\n"


def _lock(file: TextIO, path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise BadFile(f"record {path} is in use by another campaign: wait for it, or give another --record") from None


def _read(file: TextIO, path: Path, campaigns: Mapping[str, Any]) -> tuple[dict[Key, Outcome], set[str]]:
    file.seek(0)
    try:
        text = file.read()
    except UnicodeDecodeError:
        raise BadFile(f"{path} is not a record of fault campaigns: give another --record") from None
    whole = text[: text.rfind("\n") + 1]
    if len(whole) < len(text) and not text[len(whole) :].startswith("{"):
        raise BadFile(f"{path} is not a record of fault campaigns: give another --record")
    done: dict[Key, Outcome] = {}
    known: set[str] = set()
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            content = json.loads(line)
            name = content["campaign"]
            if "is" in content:
                known.add(name)
                if content["is"]["format"] != FORMAT:
                    raise BadFile(f"{path} has a format that this version does not read: give another --record")
            else:
                key = Key(name, content["stratum"], content["map"])
                done[key] = Outcome(**{field: int(content[field]) for field in Outcome._fields})
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadFile(
                f"{path}, line {number}: not a line of a record of fault campaigns: give another --record"
            ) from None
        if name not in campaigns:
            raise BadFile(
                f"{path} is the record of another campaign (other network, images, fault or seed): give another "
                "--record; nothing was changed in it"
            )
    if len(whole) < len(text):  # only now that the file is known to be ours
        file.truncate(len(whole.encode()))
    return done, known
