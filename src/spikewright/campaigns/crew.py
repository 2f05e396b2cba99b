"""What a backend gives a campaign: where joblib sends tasks, how many at once, and which errors mean a lost worker."""

import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from joblib.parallel import ParallelBackendBase

from spikewright.campaigns.worker import Parcel


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Workers that are ready, and the job laid out for them.

    Attributes:
        backend: joblib's name of a backend, or a backend.
        settings: further arguments of `joblib.parallel_config`.
        jobs: how many workers joblib counts with, at least 2: with one, joblib would compute in this process.
        ahead: tasks on their way at any time.
        parcel: where a worker finds the job.
        lost: exceptions that say that workers died, not that a task failed.
        where: for messages, such as "ray at 10.0.0.1:6379".

    """

    backend: str | ParallelBackendBase
    settings: Mapping[str, Any] = field(default_factory=dict)
    jobs: int
    ahead: int
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

    Args:
        send: takes a callable without arguments, returns a future.
        stop: ends what was sent and is not done; it gets the futures.

    """

    supports_retrieve_callback = True

    def __init__(self, send: Callable[[Callable[[], Any]], Any], stop: Callable[[list[Any]], None]) -> None:
        super().__init__()
        self._send = send
        self._stop = stop
        self._out: set[Any] = set()
        # joblib sends the next call from within a callback, which the threads of a cluster's library may not allow
        self._relay = ThreadPoolExecutor(1, "spikewright-relay")

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Take joblib's number as it is."""
        return n_jobs

    def submit(self, func: Callable[[], Any], callback: Callable[[Any], None] | None = None) -> Any:
        """Send a call away; `callback` gets its future when it is done."""
        future = self._send(func)
        self._out.add(future)

        def settle(done: Any) -> None:
            self._out.discard(done)
            with contextlib.suppress(RuntimeError):  # after the end nobody waits for it
                if callback is not None:
                    self._relay.submit(callback, done)

        future.add_done_callback(settle)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:
        """Return what a future that is done holds, or raise it."""
        return out.result()

    def abort_everything(self, ensure_ready: bool = True) -> None:  # noqa: ARG002 (joblib's name)
        """End what was sent and is not done."""
        self._stop([future for future in self._out.copy() if not future.done()])

    def terminate(self) -> None:
        """Let go of the thread; called by joblib when a campaign is over."""
        self._relay.shutdown(wait=False, cancel_futures=True)
