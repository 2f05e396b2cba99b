import contextlib
import sys

import pytest
from support.clusters import DASK, closed_port, cluster, listener
from support.tallies import NUMBERS, Task, Wrong, build, expected, totals, work

from spikewright.errors import BadSetting, SpikewrightError
from spikewright.reliability.workers import dask as dask_crew
from spikewright.reliability.workers.pool import Workers, gather

pytest.importorskip("distributed", reason="the extra `dask` is not installed")


@pytest.fixture(scope="module")
def workers():
    with cluster(DASK) as address:
        yield Workers(backend="dask", address=address)


def test_a_cluster_gives_the_same_and_each_process_builds_once(workers, tmp_path):
    tallies = list(gather(build, work, NUMBERS, [Task(factor, meet=tmp_path) for factor in range(24)], workers))
    assert totals(tallies) == expected(range(24))
    assert len({tally.process for tally in tallies}) == 2
    assert len({(tally.process, tally.built) for tally in tallies}) == 2


def test_a_killed_worker_costs_no_result(workers, tmp_path):
    tasks = [Task(factor, die_once=tmp_path / "died" if factor == 5 else None) for factor in range(16)]
    assert totals(list(gather(build, work, NUMBERS, tasks, workers))) == expected(range(16))
    assert (tmp_path / "died").exists()


def test_no_more_tasks_at_once_than_asked_for(workers):
    few = Workers(backend="dask", address=workers.address, count=1)
    tallies = list(gather(build, work, NUMBERS, [Task(factor) for factor in range(6)], few))
    assert [tally.factor for tally in tallies] == list(range(6))
    assert totals(tallies) == expected(range(6))


def test_an_exception_passes_through_and_leaving_early_does_no_harm(workers):
    tasks = [Task(factor, fail=factor == 3) for factor in range(12)]
    with pytest.raises(Wrong) as error:
        list(gather(build, work, NUMBERS, tasks, workers))
    assert str(error.value) == "factor 3"
    with contextlib.closing(gather(build, work, NUMBERS, tasks[:3], workers)) as results:
        assert next(results).total in expected(range(3)).values()
    assert totals(list(gather(build, work, NUMBERS, tasks[4:], workers))) == expected(range(4, 12))


def reach(port: int) -> str:
    with pytest.raises(SpikewrightError) as error:
        list(gather(build, work, NUMBERS, [Task(1)], Workers(backend="dask", address=f"tcp://127.0.0.1:{port}")))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_an_address_without_a_scheduler_is_refused(monkeypatch, capfd):
    monkeypatch.setattr(dask_crew, "_PATIENCE_SECONDS", 0.5)
    port = closed_port()
    assert reach(port).startswith(f"dask at tcp://127.0.0.1:{port}: no answer in ")
    with listener(b"") as port:
        assert reach(port).startswith(f"dask at tcp://127.0.0.1:{port}: no answer in ")
    with pytest.raises(SpikewrightError, match="dask at nonsense: missing port number"):
        list(gather(build, work, NUMBERS, [Task(1)], Workers(backend="dask", address="nonsense")))
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_scheduler_without_workers_is_refused(monkeypatch):
    script = DASK.replace("n_workers=2", "n_workers=0")
    with cluster(script) as address:
        monkeypatch.setattr(dask_crew, "_PATIENCE_SECONDS", 2)
        with pytest.raises(SpikewrightError, match=f"dask at {address}: no worker: start one with `dask worker"):
            list(gather(build, work, NUMBERS, [Task(1)], Workers(backend="dask", address=address)))


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BadSetting, match=r"backend dask takes distributed: pip install 'spikewright\[dask\]'"):
        list(gather(build, work, NUMBERS, [Task(1)], Workers(backend="dask", address="tcp://127.0.0.1:1")))
