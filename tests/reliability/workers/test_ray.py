import contextlib
import sys

import pytest
from support.clusters import RAY, closed_port, cluster, listener
from support.tallies import NUMBERS, Task, Wrong, build, expected, totals, work

from spikewright.errors import BadSetting, SpikewrightError
from spikewright.reliability.workers import ray as ray_crew
from spikewright.reliability.workers.pool import Workers, gather

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")


@pytest.fixture(scope="module")
def workers():
    with cluster(RAY) as address:
        yield Workers(backend="ray", address=address)
        ray.shutdown()


@pytest.mark.slow
def test_a_cluster_gives_the_same_and_each_process_builds_once(workers, tmp_path):
    tallies = list(gather(build, work, NUMBERS, [Task(factor, meet=tmp_path) for factor in range(24)], workers))
    assert totals(tallies) == expected(range(24))
    assert len({tally.process for tally in tallies}) == 2
    assert len({(tally.process, tally.built) for tally in tallies}) == 2


@pytest.mark.slow
def test_a_killed_worker_costs_no_result(workers, tmp_path):
    tasks = [Task(factor, die_once=tmp_path / "died" if factor == 5 else None) for factor in range(16)]
    assert totals(list(gather(build, work, NUMBERS, tasks, workers))) == expected(range(16))
    assert (tmp_path / "died").exists()


@pytest.mark.slow
def test_no_more_tasks_at_once_than_asked_for(workers):
    few = Workers(backend="ray", address=workers.address, count=1)
    tallies = list(gather(build, work, NUMBERS, [Task(factor) for factor in range(6)], few))
    assert [tally.factor for tally in tallies] == list(range(6))
    assert totals(tallies) == expected(range(6))


@pytest.mark.slow
def test_an_exception_passes_through_and_leaving_early_does_no_harm(workers):
    tasks = [Task(factor, fail=factor == 3) for factor in range(12)]
    with pytest.raises(Wrong) as error:
        list(gather(build, work, NUMBERS, tasks, workers))
    assert str(error.value) == "factor 3"
    with contextlib.closing(gather(build, work, NUMBERS, tasks[:3], workers)) as results:
        assert next(results).total in expected(range(3)).values()
    assert totals(list(gather(build, work, NUMBERS, tasks[4:], workers))) == expected(range(4, 12))


def reach(address: str) -> str:
    ray.shutdown()
    with pytest.raises(SpikewrightError) as error:
        list(gather(build, work, NUMBERS, [Task(1)], Workers(backend="ray", address=address)))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_an_address_without_a_cluster_is_refused(monkeypatch, capfd):
    monkeypatch.setattr(ray_crew, "_PATIENCE_SECONDS", 0.5)
    address = f"127.0.0.1:{closed_port()}"
    assert reach(address).startswith(f"ray at {address}: no answer (Connection refused): start a cluster with")
    assert reach(f"ray://{address}").startswith(f"ray at ray://{address}: no answer (Connection refused)")
    with listener(b"") as port:
        assert reach(f"127.0.0.1:{port}").startswith(f"ray at 127.0.0.1:{port}: no answer (timed out)")
    with listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert "something else than Ray answers there" in reach(f"127.0.0.1:{port}")
    assert reach("nonsense").startswith("ray at nonsense: Invalid address format")
    assert capfd.readouterr() == ("", "")


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BadSetting, match=r"backend ray takes ray: pip install 'spikewright\[ray\]'"):
        list(gather(build, work, NUMBERS, [Task(1)], Workers(backend="ray", address="127.0.0.1:1")))
