"""The commands themselves, killed with SIGKILL at random moments: 50 times in all.

Each moment lies between the first change to the folder and the last, as measured beforehand. Afterwards the run of
before or the new one is there, and the same command gives what it gives undisturbed. `-s` shows how often was which.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.verbs import network

KILLS = 10  # of each command
COMMAND = "from spikewright.app.cli.main import main; main()"
TRAIN = ("train", "--model", "top0", "--data", "digits", "--epochs", "4", "--device", "cpu", "--out", "run")
CONVERT = ("convert", "run", "--calibration", "64", "--out", "out")
COMPARE = ("compare", "run", "--methods", "qcfs", "--timesteps", "1,2,3,4", "--images", "200", "--out", "table")


@dataclass(frozen=True)
class Case:
    """Commands that are run before, the one that is killed, and the folder that it writes."""

    name: str
    before: tuple[tuple[str, ...], ...]
    command: tuple[str, ...]
    folder: str

    def __str__(self) -> str:
        return self.name


CASES = (
    Case("train", (), TRAIN, "run"),
    Case("train --overwrite", (TRAIN,), (*TRAIN, "--seed", "1", "--overwrite"), "run"),
    Case("convert --overwrite", (TRAIN, CONVERT), (*CONVERT, "--timesteps", "3", "--overwrite"), "out"),
    Case(
        "convert --calibrate", (TRAIN,),
        (*CONVERT, "--method", "qcfs", "--calibrate", "--calibration-epochs", "30"), "out",
    ),
    Case("compare", (TRAIN,), COMPARE, "table"),
)  # fmt: skip


def started(command: tuple[str, ...], place: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *command], cwd=place, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def ran(command: tuple[str, ...], place: Path) -> None:
    process = started(command, place)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said.decode()


def state(folder: Path) -> object:
    rows = folder / "compare.json"
    if rows.exists():
        return sorted(json.dumps(row, sort_keys=True) for row in json.loads(rows.read_text())["rows"])
    return network(folder)


def changing(command: tuple[str, ...], place: Path, folder: Path) -> float:
    """Seconds from the first change to the folder to the last."""
    before, seen = stamp(folder), []
    process = started(command, place)
    while process.poll() is None:
        now = stamp(folder)
        if now != before:
            before = now
            seen.append(time.monotonic())
        time.sleep(0.002)
    assert process.returncode == 0
    return seen[-1] - seen[0]


def stamp(folder: Path) -> list[tuple[str, int]]:
    found = []
    with contextlib.suppress(FileNotFoundError):  # it is being changed
        found = [(str(path), path.lstat().st_mtime_ns) for path in folder.rglob("*")]
    return sorted(found)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_killed_at_any_moment_the_same_command_goes_on_or_starts_again(case: Case, tmp_path: Path) -> None:
    begun, place = tmp_path / "begun", tmp_path / "place"
    begun.mkdir()
    for command in case.before:
        ran(command, begun)
    shutil.copytree(begun, place)
    before = state(place / case.folder)
    seconds = changing(case.command, place, place / case.folder)
    after, whole = state(place / case.folder), sorted(str(path.relative_to(place)) for path in place.rglob("*"))
    draw, found = random.Random(case.name), Counter[str]()
    for _ in range(KILLS):
        shutil.rmtree(place)
        shutil.copytree(begun, place)
        unchanged = stamp(place / case.folder)
        process = started(case.command, place)
        while process.poll() is None and stamp(place / case.folder) == unchanged:
            time.sleep(0.002)
        time.sleep(draw.uniform(0, seconds))
        found["ended before" if process.poll() is not None else "killed"] += 1
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        there = state(place / case.folder)
        if case.name == "compare":
            rows = [] if there == before else there  # killed before the first row, there is a lock alone
            assert set(rows) <= set(after), there  # pyright: ignore[reportArgumentType]
            found[f"{len(rows)} rows"] += 1  # pyright: ignore[reportArgumentType]
        else:
            assert there in (before, after)
            found["the new run" if there == after else "the run of before" if case.before else "no run"] += 1
        ran(case.command, place)
        assert state(place / case.folder) == after
        assert sorted(str(path.relative_to(place)) for path in place.rglob("*")) == whole
    sys.stderr.write(f"\n{case}: {dict(found)}\n")
