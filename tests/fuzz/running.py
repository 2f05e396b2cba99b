"""Run the command on one input, in this process or in another, and say what is wrong with what it did."""

import contextlib
import io
import os
import resource
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from spikewright.app.cli.main import main

SECONDS = 30
BYTES = 4 << 30  # of memory that a process of its own may have
START = "spikewright: "


class Done(NamedTuple):
    """How a run ended: its exit code (None: no exit code at all), what it said on stderr, what it left behind."""

    code: int | None
    said: str
    left: tuple[str, ...] = ()

    @property
    def wrong(self) -> str | None:
        """What may not be, in a word; None: nothing. Codes 0 and 1 say that the input still meant something."""
        parts = [name for name in self.left if name.endswith(".part") or "unfinished-" in name]
        if parts:
            return f"half-written: {parts}"
        if self.code in (0, 1):
            return None
        if self.code != 2:
            return f"exit code {self.code}: {self.said[-3000:]}"
        lines = self.said.splitlines()
        if len(lines) != 1 or not lines[0].startswith(START):
            return f"not one line: {self.said[:2000]!r}"
        if self.left:
            return f"refused ({lines[0][:200]}) and left {list(self.left)[:5]}"
        return None


class TooLong(BaseException):
    """The time is over; no part of the command catches it."""


def command(arguments: Sequence[str], *, seconds: int = SECONDS) -> Done:
    """In this process, in the current folder."""
    before, said, argv = _files(), io.StringIO(), sys.argv
    sys.argv = ["spikewright", *arguments]
    code: int | None = None
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said), _alarm(seconds):  # noqa: SIM117
            with warnings.catch_warnings():
                warnings.simplefilter("default")
                main()
    except SystemExit as left:
        code = int(left.code or 0)
    except TooLong:
        said.write(f"no end in {seconds} s")
    except BaseException:
        said.write(traceback.format_exc())
    finally:
        sys.argv = argv
    return Done(code, said.getvalue(), _changed(before))


def process(arguments: Sequence[str], *, seconds: int = SECONDS) -> Done:
    """As a command of its own, in the current folder, with no more memory than `BYTES`."""
    before = _files()
    line = [sys.executable, "-c", "from spikewright.app.cli.main import main; main()", *arguments]
    try:
        # ends in time what hangs before Python can look at an alarm; starting takes some of it
        found = subprocess.run(line, capture_output=True, timeout=seconds + 10, check=False, preexec_fn=_limit)
    except subprocess.TimeoutExpired:
        return Done(None, f"no end in {seconds} s", _changed(before))
    return Done(found.returncode, found.stderr.decode(errors="replace"), _changed(before))


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))


@contextlib.contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    def over(number: int, frame: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _files() -> dict[str, tuple[int, int]]:
    found = {}
    for place, folders, names in os.walk("."):
        folders[:] = [name for name in folders if name not in ("__pycache__", ".cache")]
        for name in (*names, *folders):
            path = Path(place, name)
            facts = path.lstat()
            found[str(path)] = (facts.st_size, facts.st_mtime_ns) if name in names else (0, 0)
    return found


def _changed(before: dict[str, tuple[int, int]]) -> tuple[str, ...]:
    after = _files()
    return tuple(sorted(name for name in {*before, *after} if before.get(name) != after.get(name)))
