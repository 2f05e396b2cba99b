"""The record of campaigns: an append-only file of JSON lines, one a fault map, so that nothing done is done again.

    {"campaign": "9f…", "is": {…}}                                          once a campaign, what it is
    {"campaign": "9f…", "stratum": "model", "map": 17, "right": 1873, …}    once a map
A map's line says the same whoever worked it out, and when; so lines of several machines, or of a run that was killed
and of the one that went on, are one record, and order means nothing. A last line that a kill cut off is taken away.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TextIO

from spikewright.data.files import made_folder
from spikewright.data.json_file import parsed
from spikewright.errors import BadFile
from spikewright.reliability.campaign.outcomes import Outcome

try:
    import fcntl
except ImportError:  # where there is none, two commands on one record are not noticed
    fcntl = None

FORMAT = 1
_LINE = '{"campaign": "'  # how every line begins


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
            BadFile: the file is no record, is damaged other than at its end, holds another campaign, is in use, or
                cannot be written.
        """
        if path is None:
            return cls({})
        heads = {name: _line({"campaign": name, "is": {"format": FORMAT, **is_}}) for name, is_ in campaigns.items()}
        try:
            with made_folder(path.parent):
                return _opened(path, heads)
        except OSError as error:
            raise _unwritten(path, error) from None

    def add(self, found: Iterable[tuple[Key, Outcome]]) -> None:
        """Write down what maps did; on disk when this returns.

        Raises:
            BadFile: it cannot be written, as on a full disk.
        """
        new = [(key, outcome) for key, outcome in found if key not in self.done]
        if self._file is not None and new:
            lines = (
                _line({"campaign": key.campaign, "stratum": key.stratum, "map": key.number, **outcome._asdict()})
                for key, outcome in new
            )
            try:
                self._file.write("".join(lines))
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:
                assert self.path is not None
                raise _unwritten(self.path, error) from None
        self.done.update(new)

    def __enter__(self) -> "Record":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            _close(self._file)


def _opened(path: Path, heads: Mapping[str, str]) -> Record:
    """The record with a first line of each campaign; a file that was made goes again where that fails."""
    new = not os.path.lexists(path)
    file = path.open("a+", encoding="utf-8", newline="")  # bytes are counted: no line ends are translated
    try:
        _lock(file, path)
        done, known = _read(file, path, heads)
        file.write("".join(head for name, head in heads.items() if name not in known))
        file.flush()
    except BaseException:
        _close(file)
        if new:
            with contextlib.suppress(OSError):
                path.unlink()
        raise
    return Record(done, path, file)


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, allow_nan=False) + "\n"


def _unwritten(path: Path, error: OSError) -> BadFile:
    return BadFile(f"record {path} cannot be written ({error.strerror}): give another --record")


def _close(file: TextIO) -> None:
    with contextlib.suppress(OSError):  # what could not be written was said when it was tried
        file.close()


def _lock(file: TextIO, path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BadFile(f"record {path} is in use by another campaign: wait for it, or give another --record") from None
    except OSError:  # a file system that knows no locks
        return


def _read(file: TextIO, path: Path, heads: Mapping[str, str]) -> tuple[dict[Key, Outcome], set[str]]:
    """What a file holds of the campaigns whose first lines are `heads`, and which of those it has."""
    foreign = BadFile(f"{path} is not a record of fault campaigns: give another --record")
    file.seek(0)
    try:
        text = file.read()
    except UnicodeDecodeError:
        raise foreign from None
    whole = text[: text.rfind("\n") + 1]
    cut = text[len(whole) :]
    # alone, it may be anybody's line: then it must be the beginning of ours
    if not (_LINE.startswith(cut) or cut.startswith(_LINE)) or (
        cut and not whole and not any(head.startswith(cut) for head in heads.values())
    ):
        raise foreign
    done: dict[Key, Outcome] = {}
    known: set[str] = set()
    for number, line in enumerate(whole.split("\n")[:-1], 1):
        where = f"{path}, line {number}"
        try:
            version, campaign, found = _parsed(line)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BadFile(f"{where}: not a line of a record of fault campaigns: give another --record") from None
        if version != FORMAT:
            raise BadFile(f"{path} has format {version}, which this version does not read: give another --record")
        if campaign not in heads:
            raise BadFile(
                f"{path} is the record of another campaign (other network, images, fault or seed): give another "
                "--record; nothing was changed in it"
            )
        if found is None:
            known.add(campaign)
        elif done.setdefault(*found) != found[1]:
            raise BadFile(f"{where}: another line says otherwise of the same map: give another --record")
    if cut:  # only now that the file is known to be ours
        file.truncate(len(whole.encode()))
    return done, known


def _parsed(line: str) -> tuple[int, str, tuple[Key, Outcome] | None]:
    """A line's format, its campaign, and the map that it is of; None: it is a campaign's first."""
    content = parsed(line)
    campaign = _checked(content["campaign"], str)
    if "is" in content:
        return _checked(content["is"]["format"], int), campaign, None
    key = Key(campaign, _checked(content["stratum"], str), _checked(content["map"], int))
    return FORMAT, campaign, (key, Outcome(**{name: _checked(content[name], int) for name in Outcome._fields}))


def _checked(value: Any, kind: type) -> Any:
    if type(value) is not kind or (kind is int and value < 0):
        raise TypeError
    return value
