import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import pytest
import torch
from support.clusters import environment
from support.tallies import NUMBERS, Task, Wrong, build, expected, totals, work

from spikewright.errors import BadSetting, SpikewrightError
from spikewright.reliability.workers import pool
from spikewright.reliability.workers.pool import Workers, gather
from spikewright.reliability.workers.worker import Done

TWO = Workers(count=2)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"backend": "spark"}, "no backend named 'spark': choose one of loky, ray, dask"),
        ({"count": 0}, "0 workers cannot work: give 1 or more"),
        ({"count": True}, "True workers cannot work"),
        ({"address": "host:1"}, "backend loky is this machine and has no address 'host:1': choose ray or dask"),
        ({"backend": "ray"}, "backend ray needs the address of a cluster"),
        ({"backend": "dask", "address": " "}, "backend dask needs the address of a cluster"),
    ],
)
def test_workers_that_cannot_be(settings, says):
    with pytest.raises(BadSetting, match=says) as error:
        Workers(**settings)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("count", [None, 1])
def test_one_worker_is_this_process(count):
    tallies = list(gather(build, work, NUMBERS, [Task(factor) for factor in range(20)], Workers(count=count)))
    assert totals(tallies) == expected(range(20))
    assert {tally.process for tally in tallies} == {os.getpid()}
    assert len({tally.built for tally in tallies}) == 1


def test_nothing_is_built_before_a_result_is_asked_for_nor_without_tasks():
    built = []
    results = gather(built.append, lambda _, task: task, "payload", [1, 2], Workers())
    assert built == []
    assert next(results) == 1
    assert built == ["payload"]
    assert list(gather(built.append, work, "other", [], Workers())) == []
    assert list(gather(built.append, work, "other", [], TWO)) == []
    assert built == ["payload"]


def test_this_process_works_on_one_thread_and_keeps_its_own():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for threads in gather(lambda _: torch.get_num_threads(), lambda built, _: (built, torch.get_num_threads()),
                              None, [1, 2], Workers()):  # fmt: skip
            assert threads == (1, 1)
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_two_workers_give_the_same_each_builds_once_and_both_stay_for_the_next(tmp_path):
    tasks = [Task(factor, meet=tmp_path) for factor in range(24)]
    tallies = list(gather(build, work, NUMBERS, tasks, TWO))
    assert totals(tallies) == expected(range(24))
    processes = {tally.process for tally in tallies}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert len({(tally.process, tally.built) for tally in tallies}) == 2

    again = list(gather(build, work, NUMBERS, [Task(factor) for factor in range(8)], TWO))
    assert {tally.built for tally in again} <= {tally.built for tally in tallies}
    other = list(gather(build, work, NUMBERS[:7], [Task(factor) for factor in range(8)], TWO))
    assert {tally.process for tally in other} <= processes
    assert totals(other) == {f: sum(int(number) * f % 10_007 for number in NUMBERS[:7]) for f in range(8)}


def test_a_worker_works_on_one_thread_and_may_write_into_what_it_got():
    def build_in_place(numbers):
        numbers += 1
        return numbers

    found = gather(
        build_in_place, lambda numbers, _: (torch.get_num_threads(), int(numbers.sum())), np.zeros(5), [1, 2, 3], TWO
    )
    assert list(found) == [(1, 5)] * 3


def test_a_killed_worker_costs_no_result(tmp_path):
    tasks = [Task(factor, die_once=tmp_path / "died" if factor == 5 else None) for factor in range(16)]
    notices = []
    tallies = list(gather(build, work, NUMBERS, tasks, TWO, notice=notices.append))
    assert totals(tallies) == expected(range(16))
    assert len(notices) == 1
    assert notices[0].startswith("loky: a worker died; ")
    assert "\n" not in notices[0]


def test_what_is_left_is_sent_out_again_until_workers_died_too_often(monkeypatch):
    sent, notices, found = [], [], []

    def outcomes(crew, left):
        sent.append(list(left))
        number = next(iter(left))
        yield Done(number, left[number])
        raise crew.lost[0]

    monkeypatch.setattr(pool, "_outcomes", outcomes)
    with pytest.raises(SpikewrightError, match=r"loky: workers died 4 times, 2 tasks are left") as error:
        for result in gather(build, work, None, list("abcdef"), TWO, notice=notices.append):
            found.append(result)
    assert "\n" not in str(error.value)
    assert found == list("abcd")
    assert sent == [[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [2, 3, 4, 5], [3, 4, 5]]
    assert notices == [f"loky: a worker died; {left} tasks are sent out again" for left in (5, 4, 3)]


@pytest.mark.slow
def test_a_task_that_always_kills_its_worker_ends_the_campaign(monkeypatch):
    monkeypatch.setattr(pool, "RESTARTS", 1)
    tasks = [Task(0, die=True), *(Task(factor) for factor in range(1, 5))]
    notices, tallies = [], []
    with pytest.raises(SpikewrightError, match=r"loky: workers died 2 times, \d tasks are left") as error:
        tallies.extend(gather(build, work, NUMBERS, tasks, TWO, notice=notices.append))
    assert len(notices) == 1
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("workers", [Workers(), TWO])
def test_an_exception_passes_through_and_says_where_it_was_raised(workers):
    tasks = [Task(factor, fail=factor == 3) for factor in range(12)]
    with pytest.raises(Wrong) as error:
        list(gather(build, work, NUMBERS, tasks, workers))
    assert type(error.value) is Wrong
    assert str(error.value) == "factor 3"
    said = "".join(traceback.format_exception(error.value))  # a worker's own comes as a note
    assert re.search(rf'File "{re.escape(str(work.__code__.co_filename))}", line \d+, in work\n', said)
    assert ("in a worker:\n" in said) == (workers is TWO)
    with pytest.raises(ZeroDivisionError):
        list(gather(lambda payload: payload / 0, work, 1, tasks, Workers()))


def test_results_that_cannot_travel_are_an_error_of_one_line():
    with pytest.raises(SpikewrightError, match=r"^loky: ") as error:
        list(gather(lambda _: None, lambda _, task: (number for number in range(task)), None, [1, 2], TWO))
    assert "\n" not in str(error.value)


def test_leaving_early_stops_the_workers(tmp_path):
    tasks = [Task(factor, meet=tmp_path, seconds=0 if factor < 2 else 60) for factor in range(12)]
    with contextlib.closing(gather(build, work, NUMBERS, tasks, TWO)) as results:
        processes = {next(results).process, next(results).process}
    assert len(processes) == 2
    assert_gone(processes)


CAMPAIGN = """
import sys
from pathlib import Path
from spikewright.reliability.workers.pool import Workers, gather
from support.tallies import NUMBERS, Task, build, work
tasks = [Task(factor, meet=Path(sys.argv[1]), seconds=0 if factor < 2 else 60) for factor in range(12)]
try:
    for tally in gather(build, work, NUMBERS, tasks, Workers(count=2)):
        print(tally.process, flush=True)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_a_campaign_that_is_interrupted_or_killed_leaves_nothing(tmp_path, blow):
    meet, scratch = tmp_path / "meet", tmp_path / "scratch"
    meet.mkdir()
    scratch.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", CAMPAIGN, str(meet)],
        stdout=subprocess.PIPE,
        stderr=(tmp_path / "stderr").open("w"),
        text=True,
        env={**environment(), "TMPDIR": str(scratch)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # ignored in background jobs
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        processes = {int(process.stdout.readline()) for _ in range(2)}
        assert len(processes) == 2
        assert list(scratch.glob("spikewright-*"))
        if blow is signal.SIGINT:
            os.killpg(process.pid, blow)  # as Ctrl-C does
        else:
            process.send_signal(blow)
        code = process.wait(120)
    assert_gone(processes)
    if blow is signal.SIGINT:
        assert code == 130
        assert (tmp_path / "stderr").read_text() == ""
    patience = time.monotonic() + 30
    while (left := list(scratch.glob("spikewright-*"))) and time.monotonic() < patience:
        time.sleep(0.05)
    assert left == []


def assert_gone(processes: set[int]) -> None:
    patience = time.monotonic() + 30
    while (left := [process for process in processes if lives(process)]) and time.monotonic() < patience:
        time.sleep(0.05)
    assert left == []


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # one that is dead and not yet asked after by its parent still has a number
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
