import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import Parallel, delayed, parallel_config

from spikewright.reliability.workers.crew import ClusterBackend, first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a. b.\nc"), "a. b"),
        (ValueError("\n  here:\n"), "here"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_first_line(error, line):
    assert first_line(error) == line


def stream(backend, calls):
    with parallel_config(backend=backend, n_jobs=2):
        return Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="all")(calls)


@settings(max_examples=20)
@given(tasks=st.integers(0, 30), most=st.integers(1, 6), threads=st.integers(1, 3))
def test_joblib_gets_every_result_once_and_no_more_is_out_than_allowed(tasks, most, threads):
    out, seen = 0, 0
    count = threading.Lock()

    def back(_):
        nonlocal out
        with count:
            out -= 1

    with ThreadPoolExecutor(threads) as pool:

        def send(func):
            nonlocal out, seen
            with count:
                out += 1
                seen = max(seen, out)
            future = pool.submit(func)
            future.add_done_callback(back)
            return future

        backend = ClusterBackend(send, lambda _: None, most=most)
        results = stream(backend, [delayed(pow)(task, 2) for task in range(tasks)])
        assert sorted(results) == [task * task for task in range(tasks)]
    assert seen <= most


def stored(sent):
    """Send nothing: keep futures, for the test to settle."""

    def send(func):
        sent.append(Future())
        return sent[-1]

    return send


def test_an_error_of_the_cluster_is_raised_and_the_rest_is_stopped():
    sent, stopped = [], []
    results = stream(ClusterBackend(stored(sent), stopped.extend, most=3), [delayed(abs)(task) for task in range(9)])
    wait_for(lambda: len(sent) == 3)
    sent[1].set_exception(ConnectionError("lost"))
    with pytest.raises(ConnectionError, match="lost"):
        list(results)
    assert sent[0] in stopped
    assert sent[1] not in stopped
    assert set(stopped) == {sent[0], *sent[2:]}


def test_a_call_that_cannot_be_sent_is_an_error_and_no_waiting():
    def send(func):
        raise ConnectionError("closed")

    with pytest.raises(ConnectionError, match="closed"):
        list(stream(ClusterBackend(send, lambda _: None, most=2), [delayed(abs)(1), delayed(abs)(2)]))


def test_what_comes_after_the_end_is_dropped():
    sent, got = [], []
    backend = ClusterBackend(stored(sent), lambda _: None, most=1)
    backend.submit(abs, got.append)
    backend.submit(abs, got.append)
    wait_for(lambda: sent)
    backend.terminate()
    sent[0].set_result([1])
    backend.submit(abs, got.append)
    assert got == []
    assert len(sent) == 1


def wait_for(ready):
    patience = time.monotonic() + 30
    while not ready() and time.monotonic() < patience:
        time.sleep(0.001)
    assert ready()
