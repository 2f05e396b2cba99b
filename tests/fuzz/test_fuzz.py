"""Malformed inputs of every kind: no traceback, no hang, nothing half-written; a refusal is one line.

A failure names the seed and what it did; `python -m pytest tests/fuzz --all -k "1234"` has no need of the others: put
the seed into `SEEDS_OF_OLD` and it is run first, here and in the default suite.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fuzz.bases import make
from fuzz.inputs import damaged
from fuzz.running import Done, command, process

QUICK, MANY, PROCESSES = 60, 2000, 200
SEEDS_OF_OLD: tuple[int, ...] = ()  # seeds that once failed


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("bases")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPIKEWRIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.chdir(folder)
        make(folder)
        yield folder


def wrong(bases: Path, folder: Path, seeds: range | tuple[int, ...], run: Callable[..., Done]) -> list[str]:
    """What is wrong with each of these inputs, in words from which it can be made again."""
    found = []
    for seed in seeds:
        given = damaged(bases, folder, seed)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            reason = run(given.arguments).wrong
        if reason is not None:
            found.append(f"seed {seed}, {given.group}: {given.words}: {' '.join(given.arguments)[:300]!r}: {reason}")
    return found


def test_some_malformed_inputs(bases: Path, tmp_path: Path) -> None:
    found = wrong(bases, tmp_path, (*SEEDS_OF_OLD, *range(QUICK)), command)
    assert not found, "\n\n".join(found)


@pytest.mark.slow
def test_many_malformed_inputs(bases: Path, tmp_path: Path) -> None:
    found = wrong(bases, tmp_path, range(QUICK, QUICK + MANY), command)
    assert not found, "\n\n".join(found)


@pytest.mark.slow
def test_malformed_inputs_of_the_command_itself(bases: Path, tmp_path: Path) -> None:
    found = wrong(bases, tmp_path, range(100_000, 100_000 + PROCESSES), process)
    assert not found, "\n\n".join(found)


def test_what_is_wrong_is_seen() -> None:
    line = "spikewright: no such thing\n"
    assert Done(0, "").wrong is None
    assert Done(1, "anything\n").wrong is None
    assert Done(2, line).wrong is None
    assert "not one line" in str(Done(2, "Traceback\n" + line).wrong)
    assert "left ['made']" in str(Done(2, line, ("made",)).wrong)
    assert "half-written" in str(Done(0, "", ("made/plan.json.part",)).wrong)
    assert "exit code None" in str(Done(None, "no end in 30 s").wrong)
    assert "exit code -9" in str(Done(-9, "").wrong)
