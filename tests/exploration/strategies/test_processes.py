"""Several processes at one study: every trial once, whoever dies."""

import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.clusters import environment

from exploration.fakes import FakeBench, settings
from spikewright.errors import BadFile, SpikewrightError
from spikewright.exploration.candidates.candidate import Candidate
from spikewright.exploration.request.settings import GateSettings, SampleSettings, SearchSettings
from spikewright.exploration.request.space import TrainedSpace
from spikewright.exploration.strategies import processes
from spikewright.exploration.strategies.processes import sample_in_processes
from spikewright.exploration.strategies.sampled import collected, done, queue_all, sample
from spikewright.exploration.strategies.study import opened, take_up

SPACE = TrainedSpace(timesteps=(2, 4, 8), thresholds=(0.5, 1.0, 500.0))


@dataclass
class Troubled(FakeBench):
    """A bench whose process is killed, fails or sleeps at some point, if no file says that it did already."""

    trouble: str = ""
    at: str = ""

    def candidate(self, point: Any, *, on_progress: Any = None) -> Candidate:
        assert self.log is not None
        marker = self.log.with_name("marker")
        if point.name == self.at and not marker.exists():
            if self.trouble == "killed":
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if self.trouble == "fails":
                raise BadFile("plan.json is damaged")
        if self.trouble == "slow":
            with self.log.with_name("pids").open("a") as file:
                file.write(f"{os.getpid()}\n")
            time.sleep(60)
        return FakeBench.candidate(self, point, on_progress=on_progress)


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are forked from one that has imported all, which takes a hundredth of starting each anew."""
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    monkeypatch.setattr(processes, "get_context", lambda _: context)


def built(stored: SearchSettings, log: Path, trouble: str, at: str) -> Any:
    return Troubled(stored, log, trouble=trouble, at=at)


def search(out: Path, trouble: str = "", at: str = "") -> tuple[Any, Any, int, SampleSettings]:
    sampling = SampleSettings(trials=20, objectives=("accuracy", "energy"), workers=2)
    stored = settings(out, space=SPACE, optuna=sampling, gates=GateSettings(accuracy_margin=3, reliability_margin=1))
    build = functools.partial(built, stored, out.parent / "log", trouble, at)
    study = opened(sampling, out, seed=0)
    return study, build, queue_all(study, build(), sampling), sampling


@pytest.mark.usefixtures("forked")
def test_all_points_are_tried_once_though_a_process_is_killed(tmp_path: Path) -> None:
    study, build, trials, sampling = search(tmp_path / "out", "killed", "t4_th1_if_b8")
    on_verdicts: list[tuple[str, int, int]] = []
    sample_in_processes(study, build, trials, sampling, on_progress=lambda *each: on_verdicts.append(each))
    assert trials == 9 == done(study)
    assert sorted(one.name for one in collected(study)) == sorted(point.name for point in SPACE.points())
    made = [line.split()[1] for line in (tmp_path / "log").read_text().splitlines() if line.startswith("made")]
    assert sorted(made) == sorted(point.name for point in SPACE.points())
    assert on_verdicts[-1] == ("trials", 9, 9)
    assert all(count <= of for _, count, of in on_verdicts)
    owners = {trial.user_attrs["process"] for trial in study.trials if "process" in trial.user_attrs}
    assert f" {os.getpid()}" not in " ".join(owners)


@pytest.mark.usefixtures("forked")
def test_what_a_process_refuses_ends_the_search_with_its_words(tmp_path: Path) -> None:
    study, build, trials, sampling = search(tmp_path / "out", "fails", "t2_th0.5_if_b8")
    with pytest.raises(BadFile, match=r"^plan\.json is damaged$"):
        sample_in_processes(study, build, trials, sampling)
    # mended, the same search goes on, and tries again what failed
    study, build, trials, sampling = search(tmp_path / "out")
    take_up(study, sampling)
    sample(study, build(), trials)
    assert sorted(one.name for one in collected(study)) == sorted(point.name for point in SPACE.points())


def test_nobody_is_left_at_work_when_the_search_is_killed(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from exploration.strategies.test_processes import search
from spikewright.exploration.strategies import processes
from spikewright.exploration.strategies.processes import sample_in_processes
if __name__ == "__main__":
    study, build, trials, sampling = search(Path({str(tmp_path / "out")!r}), "slow")
    sample_in_processes(study, build, trials, sampling)
"""
    (tmp_path / "run.py").write_text(script)
    process = subprocess.Popen([sys.executable, tmp_path / "run.py"])
    pids = tmp_path / "pids"
    _wait(lambda: pids.exists() and len(set(pids.read_text().split())) == 2)
    process.kill()
    process.wait()
    workers = [int(word) for word in set(pids.read_text().split())]
    _wait(lambda: not any(_alive(worker) for worker in workers))


def test_processes_that_die_again_and_again_end_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_round", lambda *_: 2)
    study, build, trials, sampling = search(tmp_path / "out")
    with pytest.raises(SpikewrightError, match="4 worker processes were killed, by lack of memory perhaps"):
        sample_in_processes(study, build, trials, sampling)


def _alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def _wait(until: Any, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.1)
