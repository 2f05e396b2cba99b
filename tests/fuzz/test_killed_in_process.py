"""Every verb that writes, killed at every change that it makes to the disk.

What is there then is the run of before or the new one, whole; and the same command gives what it would have given, and
leaves nothing else.
"""

from pathlib import Path

import pytest
from support.disk import Disk, Killed, watched
from support.verbs import VERBS, Tried, Verb

from spikewright.data import files

EVERY = 7  # of the changes, in the quick suite; where runs are put in place every one is tried there, too


@pytest.fixture(autouse=True)
def _killed_processes_are_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """This one plays all of them."""
    monkeypatch.setattr(files, "_lives", lambda process: False)


def listing(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def killed_at_each_change(verb: Verb, tmp_path: Path, *, every: int = 1) -> None:
    tried = Tried(verb, tmp_path)
    root, before = tried.root, tried.before
    with watched(Disk(root)) as disk:
        figures = verb.command(root)
    after, whole = verb.after_a_kill(root), listing(root)
    assert len(disk.done) > 5, disk.done
    for last in range(0, len(disk.done), every):
        tried.again()
        with pytest.raises(Killed), watched(Disk(root, last=last)):
            verb.command(root)
        where = f"{verb}, killed at change {last}: {disk.done[last]}"
        assert verb.after_a_kill(root) in (before, after), where
        assert verb.command(root) == figures, where
        assert listing(root) == whole, where


@pytest.mark.parametrize("verb", VERBS, ids=str)
def test_killed_here_and_there_it_goes_on_or_starts_again(verb: Verb, tmp_path: Path) -> None:
    killed_at_each_change(verb, tmp_path, every=EVERY)


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS, ids=str)
def test_killed_anywhere_it_goes_on_or_starts_again(verb: Verb, tmp_path: Path) -> None:
    killed_at_each_change(verb, tmp_path)
