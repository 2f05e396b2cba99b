"""Workers of a Dask cluster that runs already.

The job is the result of a Dask task that every other task depends on: a worker that lacks it gets it from another, and
should all that have it die, the scheduler makes it again; data that are scattered would be lost. Dask runs a task again
by itself when its worker died (three times, `distributed.scheduler.allowed-failures`).
"""

import asyncio
import contextlib
import importlib
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from spikewright.errors import BadSetting, SpikewrightError
from spikewright.reliability.workers.crew import ClusterBackend, Crew, first_line

_PATIENCE_SECONDS = 10.0
_WAY_OUT = "start a cluster with `dask scheduler` and `dask worker host:8786`, and give its address, tcp://host:8786"
_handed = threading.local()  # threads of one worker may be at different campaigns


@dataclass(frozen=True, slots=True, kw_only=True)
class _DaskParcel:
    """A job that `_call` was handed by the cluster."""

    key: str

    def open(self) -> bytes:
        return _handed.data


@contextlib.contextmanager
def dask_crew(count: int | None, address: str, key: str, data: bytes) -> Iterator[Crew]:
    """Connect, and hand the job to the scheduler.

    Args:
        count: tasks at once; None: one for each thread of the cluster's workers.
        address: of the scheduler, "tcp://host:8786".
        key: names the job's content.
        data: the job, pickled.

    Raises:
        BadSetting: Dask's `distributed` is not installed.
        SpikewrightError: no scheduler at the address, or one without workers.

    """
    distributed = _distributed()
    with _connect(distributed, address) as client:
        threads = sum(client.nthreads().values())
        most = min(count, threads) if count else 2 * threads  # twice: the next is there when one is done
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the job is large, and sent once
            job = client.submit(_same, data, key=f"spikewright-job-{key}", pure=True)

        def send(func: Callable[[], Any]) -> Any:
            return client.submit(_call, func, job, pure=False)

        yield Crew(
            backend=ClusterBackend(send, lambda futures: client.cancel(futures, force=True), most=most),
            jobs=2,
            ahead="all",
            parcel=_DaskParcel(key=key),
            lost=(distributed.scheduler.KilledWorker, distributed.comm.CommClosedError, CancelledError),
            where=f"dask at {address}",
        )


def reach_dask(address: str) -> None:
    """Connect once and leave, so that what is wrong with a cluster is said before a campaign begins.

    Raises:
        BadSetting, SpikewrightError: as `dask_crew`.

    """
    with _connect(_distributed(), address):
        pass


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ModuleNotFoundError as error:
        raise BadSetting(f"backend dask takes {error.name}: pip install 'spikewright[dask]'") from error


def _same(data: bytes) -> bytes:
    return data


def _call(func: Callable[[], Any], data: bytes) -> Any:
    _handed.data = data
    try:
        return func()
    finally:
        del _handed.data


def _connect(distributed: Any, address: str) -> Any:
    # A client waits without end for something that listens and says nothing, so the scheduler is asked first, in a
    # thread of its own: the caller may have an event loop.
    with ThreadPoolExecutor(1) as thread:
        try:
            kind = thread.submit(asyncio.run, _ask(distributed, address)).result()
            if kind != "Scheduler":
                raise SpikewrightError(f"dask at {address}: a {kind} answers, not a scheduler: {_WAY_OUT}")
            client = distributed.Client(address, timeout=_PATIENCE_SECONDS, set_as_default=False)
        except TimeoutError as error:
            raise SpikewrightError(f"dask at {address}: no answer in {_PATIENCE_SECONDS:.0f} s: {_WAY_OUT}") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SpikewrightError(f"dask at {address}: {first_line(error)}: {_WAY_OUT}") from error
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_SECONDS)
    except OSError as error:
        client.close()
        raise SpikewrightError(f"dask at {address}: no worker: start one with `dask worker {address}`") from error
    return client


async def _ask(distributed: Any, address: str) -> str:
    async with asyncio.timeout(_PATIENCE_SECONDS), distributed.core.rpc(address) as scheduler:
        return str((await scheduler.identity())["type"])
