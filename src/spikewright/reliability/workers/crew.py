"""What a backend gives a campaign: where joblib sends tasks, how many at once, and which errors mean a lost worker."""

import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from joblib.parallel import ParallelBackendBase

from spikewright.reliability.workers.worker import Parcel


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Workers that are ready, and the job laid out for them.

    Attributes:
        backend: joblib's name of a backend, or a backend.
        settings: further arguments of `joblib.parallel_config`.
        jobs: how many workers joblib counts with, at least 2: with one, joblib would compute in this process.
        ahead: what joblib hands over before the first result: "all", or a number of tasks.
        parcel: where a worker finds the job.
        lost: exceptions that say that workers died, not that a task failed.
        where: for messages, such as "ray at 10.0.0.1:6379".

    """

    backend: str | ParallelBackendBase
    settings: Mapping[str, Any] = field(default_factory=dict)
    jobs: int
    ahead: int | str
    parcel: Parcel
    lost: tuple[type[BaseException], ...]
    where: str


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, without a full stop; its class where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(" .:") if lines else type(error).__name__


class ClusterBackend(ParallelBackendBase):
    """A joblib backend over any function that sends a call away and returns a future.

    Ray's own backend for joblib cannot return results as they come (joblib refuses `return_as` with it). Dask's does,
    but never tells joblib of a call that the cluster gave up, so that one waits for ever, and it takes the whole
    cluster whatever number is asked for.

    joblib hands over all calls at once; they wait here, as joblib's own limit is passed where calls are quick. What is
    sent, and what joblib is told, is on one thread: the threads on which Ray and Dask call back may send nothing.

    Args:
        send: takes a callable without arguments, returns a future.
        stop: ends what was sent and is not done; it gets the futures.
        most: calls that may be out at once.

    """

    supports_retrieve_callback = True

    def __init__(
        self, send: Callable[[Callable[[], Any]], Any], stop: Callable[[list[Any]], None], *, most: int
    ) -> None:
        super().__init__()
        self._send = send
        self._stop = stop
        self._most = most
        self._waiting: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()
        self._out: set[Any] = set()
        self._relay = ThreadPoolExecutor(1, "spikewright-relay")

    def effective_n_jobs(self, n_jobs: Any) -> Any:
        """Take joblib's number as it is."""
        return n_jobs

    def submit(self, func: Callable[[], Any], callback: Callable[[Any], None] | None = None) -> None:
        """Send a call away when there is room; `callback` gets its future when it is done."""
        self._waiting.append((func, callback or (lambda _: None)))
        self._on_relay(self._send_more)

    def _send_more(self) -> None:
        while self._waiting and len(self._out) < self._most:
            func, callback = self._waiting.popleft()
            try:
                future = self._send(func)
            except Exception as error:  # joblib must hear of it, or it waits for ever
                future = Future()
                future.set_exception(error)
            self._out.add(future)
            future.add_done_callback(lambda done, callback=callback: self._on_relay(self._settle, done, callback))

    def _settle(self, done: Any, callback: Callable[[Any], None]) -> None:
        self._out.discard(done)
        self._send_more()
        callback(done)

    def _on_relay(self, call: Callable[..., None], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # after the end nobody waits for it
            self._relay.submit(call, *args)

    def retrieve_result_callback(self, out: Any) -> Any:
        """Return what a future that is done holds, or raise it."""
        return out.result()

    def abort_everything(self, ensure_ready: bool = True) -> None:  # noqa: ARG002 (joblib's name)
        """End what was sent and is not done, and send nothing more."""
        self._waiting.clear()
        self.terminate()
        self._stop([future for future in self._out.copy() if not future.done()])

    def terminate(self) -> None:
        """Let go of the thread; called by joblib when a campaign is over."""
        self._relay.shutdown(wait=False, cancel_futures=True)
