"""Every verb that writes, on a disk that is full, from whichever change on, or cannot be written at all.

One line says what, where and the way out; what was there before is as it was, or the new run is there, whole. Nothing
is half-written, and no folder is empty.
"""

import errno
from pathlib import Path

import pytest
from support.disk import Disk, watched
from support.verbs import SEARCHES, VERBS, Tried, Verb

from spikewright.errors import SpikewrightError

PARTS = (".part", ".writing", ".written", ".lock")
EVERY = 9  # of the changes, in the quick suite
EVERY_OF_SEARCHES = 24  # which take longer
WAYS_OUT = ("make room", "choose another place", "give another --record")


def left(root: Path) -> list[str]:
    """What nobody wants to find: parts of files, and folders with nothing in them."""
    found = [
        path for path in root.rglob("*") if path.name.endswith(PARTS) or (path.is_dir() and not any(path.iterdir()))
    ]
    return [str(path.relative_to(root)) for path in found]


def refused_at_each_change(verb: Verb, tmp_path: Path, error: int, *, every: int = 1) -> None:
    tried = Tried(verb, tmp_path)
    root, before = tried.root, tried.before
    with watched(Disk(root)) as disk:
        verb.command(root)
    after, refused = verb.after_a_kill(root), 0
    read_only = error == errno.EROFS
    for last in [0] if read_only else range(0, len(disk.done), every):
        tried.again()
        where = f"{verb}, refused from change {last}: {disk.done[last]}"
        with watched(Disk(root, last=last, error=error, every=read_only)):
            try:
                verb.command(root)
            except SpikewrightError as found:
                refused += 1
                assert "\n" not in str(found), where
                assert str(root) in str(found) and any(way in str(found) for way in WAYS_OUT), (where, str(found))
        assert not left(root), where
        assert verb.after_a_kill(root) in (before, after), where
    assert refused


@pytest.mark.parametrize("verb", [*VERBS, *SEARCHES], ids=str)
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_is_said_in_one_line(verb: Verb, error: int, tmp_path: Path) -> None:
    refused_at_each_change(verb, tmp_path, error, every=EVERY_OF_SEARCHES if verb in SEARCHES else EVERY)


@pytest.mark.slow
@pytest.mark.parametrize("verb", [*VERBS, *SEARCHES], ids=str)
def test_whenever_the_disk_is_full(verb: Verb, tmp_path: Path) -> None:
    refused_at_each_change(verb, tmp_path, errno.ENOSPC)
