"""Studies: where they live, whom they belong to, and what a kill leaves behind."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from spikewright.errors import BadFile, BadSetting
from spikewright.exploration.request.settings import SampleSettings
from spikewright.exploration.strategies.study import FILE, NAME, OWNER, hidden, opened, owner, repair, take_up

JOURNAL = SampleSettings(objectives=("accuracy", "energy"))


def test_a_study_is_found_again(tmp_path: Path) -> None:
    first = opened(JOURNAL, tmp_path / "out", seed=0)
    assert [each.name for each in first.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert first.study_name == "out"
    trial = first.ask()
    first.tell(trial, [0.5, 1.0])
    again = opened(JOURNAL, tmp_path / "out", seed=0)
    assert [stored.values for stored in again.trials] == [[0.5, 1.0]]
    assert again.metric_names == ["accuracy", "energy"]
    other = opened(SampleSettings(objectives=("energy", "memory"), study="another"), tmp_path / "out", seed=0)
    assert other.trials == []


@pytest.mark.parametrize("objectives", [("accuracy", "memory"), ("energy", "accuracy"), ("accuracy",)])
def test_another_searchs_study_is_refused(tmp_path: Path, objectives: tuple[str, ...]) -> None:
    opened(JOURNAL, tmp_path, seed=0)
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(BadSetting, match=r"\[optuna\] study .* was begun with other objectives"):
        opened(SampleSettings(objectives=objectives), tmp_path, seed=0)
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "nsga3", "random"])
def test_samplers_are_seeded(tmp_path: Path, sampler: str) -> None:
    drawn = []
    for index, seed in enumerate((1, 1, 2)):
        settings = SampleSettings(sampler=sampler, objectives=("energy",))  # pyright: ignore[reportArgumentType]
        study = opened(settings, tmp_path / str(index), seed=seed)
        drawn.append([study.ask().suggest_float("x", 0, 1) for _ in range(3)])
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_other_processes_try_counts_as_bad(tmp_path: Path, workers: int) -> None:
    study = opened(SampleSettings(objectives=("energy",), workers=workers), tmp_path, seed=0)
    assert study.sampler._constant_liar is (workers > 1)  # pyright: ignore[reportAttributeAccessIssue]


def test_half_a_line_and_a_lock_of_a_killed_process_are_cleared_away(tmp_path: Path) -> None:
    study = opened(JOURNAL, tmp_path, seed=0)
    study.tell(study.ask(), [0.5, 1.0])
    path = tmp_path / FILE
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op_code":4,"worker')
    (tmp_path / (FILE + ".lock")).symlink_to(path)
    repair(JOURNAL, tmp_path)
    assert path.read_bytes() == whole
    again = opened(JOURNAL, tmp_path, seed=0)
    again.tell(again.ask(), [0.6, 1.0])  # neither waits for a lock nor reads half a line
    assert [trial.values for trial in opened(JOURNAL, tmp_path, seed=0).trials] == [[0.5, 1.0], [0.6, 1.0]]
    repair(JOURNAL, tmp_path / "nothing")


@pytest.mark.parametrize("line", [b'"\xe2("\n{}\n', b"[]\n", b"{}\n", b'{"op_code": 0}\n', b"\0\0\n\n"])
def test_a_damaged_journal_is_refused_in_one_line(tmp_path: Path, line: bytes) -> None:
    opened(JOURNAL, tmp_path, seed=0)
    path = tmp_path / FILE
    path.write_bytes(line + path.read_bytes())
    with pytest.raises(BadFile, match=r"study\.journal is damaged \(.*\): remove it") as caught:
        opened(JOURNAL, tmp_path, seed=0)
    assert "\n" not in str(caught.value)


def test_a_damaged_journal_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_bytes(b"\xff\xfe\n{")
    repair(JOURNAL, tmp_path)
    assert path.read_bytes() == b"\xff\xfe\n{"


def test_trials_of_a_killed_process_are_tried_again_once(tmp_path: Path) -> None:
    study = opened(JOURNAL, tmp_path, seed=0)
    done, killed, early = study.ask(), study.ask(), study.ask()
    done.suggest_int("x", 0, 9)
    study.tell(done, [0.5, 1.0])
    tried = killed.suggest_int("x", 0, 9)
    killed.set_user_attr(NAME, "t4")
    assert early.number == 2
    again = opened(JOURNAL, tmp_path, seed=0)
    assert take_up(again, JOURNAL) == 2
    states = [trial.state for trial in again.trials]
    assert states == [TrialState.COMPLETE, TrialState.FAIL, TrialState.FAIL, TrialState.WAITING]
    next_ = again.ask()
    assert next_.suggest_int("x", 0, 9) == tried
    assert next_.user_attrs[NAME] == "t4" and next_.user_attrs["tried before as"] == 1
    again.tell(next_, [0.1, 1.0])
    assert take_up(again, JOURNAL) == 0


def test_in_a_database_only_trials_of_processes_that_are_gone_are_taken_up(tmp_path: Path) -> None:
    settings = SampleSettings(objectives=("energy",), storage=f"sqlite:///{tmp_path / 's.db'}")
    study = opened(settings, tmp_path, seed=0)
    process = subprocess.Popen(["true"])
    process.wait()
    gone, other, alive, nobodys = (study.ask() for _ in range(4))
    for trial in (gone, other, alive, nobodys):
        trial.suggest_int("x", 0, 9)
    gone.set_user_attr(OWNER, f"{socket.gethostname()} {process.pid}")
    other.set_user_attr(OWNER, f"elsewhere {process.pid}")
    alive.set_user_attr(OWNER, f"{socket.gethostname()} {os.getppid()}")
    assert take_up(study, settings) == 1
    assert [trial.state.name for trial in study.trials] == ["FAIL", "RUNNING", "RUNNING", "RUNNING", "WAITING"]
    assert owner() == f"{socket.gethostname()} {os.getpid()}"


@pytest.mark.parametrize(
    ("storage", "words"),
    [
        ("postgresql+psycopg3x://host/db", r"is no database URL"),
        ("postgres9://host/db", r"is no database URL"),
        (
            "sqlite:////nowhere/at/all/s.db",
            r"sqlite:////nowhere/at/all/s.db cannot be reached \(unable to open",
        ),
    ],
)
def test_storages_that_are_none_are_refused(tmp_path: Path, storage: str, words: str) -> None:
    with pytest.raises(BadSetting, match=words) as refused:
        opened(SampleSettings(storage=storage), tmp_path / "out", seed=0)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:se:cret@host:1/db", "postgresql://me:…@host:1/db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("sqlite:///a.db", "sqlite:///a.db"),
        ("journal", "journal"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert hidden(url) == shown


# A real database ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A PostgreSQL server of its own, where its programs are; it refuses to be run by root."""
    pytest.importorskip("psycopg", reason="needs the extra `postgres`")
    initdb, ctl = shutil.which("initdb"), shutil.which("pg_ctl")
    if initdb is None or ctl is None:
        pytest.skip("needs PostgreSQL's programs")
    user = {"user": "nobody"} if os.geteuid() == 0 else {}
    where = Path(tempfile.mkdtemp(prefix="postgres-"))
    if user:
        shutil.chown(where, "nobody")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(*words: object) -> None:
        subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL, cwd=where, **user)  # pyright: ignore[reportCallIssue, reportArgumentType]

    run(initdb, "-D", where / "data", "-U", "me", "--auth=trust")
    options = f"-p {port} -k {where} -c listen_addresses=127.0.0.1 -c fsync=off"
    run(ctl, "-D", where / "data", "-o", options, "-l", where / "log", "-w", "start")
    yield f"postgresql://me:secret@127.0.0.1:{port}/postgres"
    run(ctl, "-D", where / "data", "-m", "immediate", "-w", "stop")
    shutil.rmtree(where)


def test_a_study_lives_in_a_postgresql_database(tmp_path: Path, database: str) -> None:
    settings = SampleSettings(objectives=("energy",), storage=database, study="search", workers=2)
    study = opened(settings, tmp_path, seed=0)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    again = opened(settings, tmp_path, seed=1)
    assert len(again.trials) == 2
    assert optuna.study.get_all_study_names(again._storage) == ["search"]


def test_a_postgresql_database_that_does_not_answer_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="needs the extra `postgres`")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        url = f"postgresql://me:secret@127.0.0.1:{taken.getsockname()[1]}/db"
        with pytest.raises(
            BadSetting, match=r"cannot be reached \(.*refused.*\): start it, or mend the URL"
        ) as refused:
            opened(SampleSettings(storage=url), tmp_path, seed=0)
    assert "secret" not in str(refused.value)
