"""What a worker process does: it builds once from what it is sent, then works task by task.

A *parcel* says where a worker finds the pickled job (two functions and what is built from). A process opens it once;
the next task with a parcel of the same key finds what was built. Only the latest is kept, so memory does not grow from
campaign to campaign. Knows nothing about pools, clusters or networks.

Where Python, NumPy and torch run is the caller's choice; here they run on one thread, as sums of floats depend on how
many threads add them up, and torch convolves without NNPACK, whose transforms round sums of whole numbers.
"""

import contextlib
import functools
import hashlib
import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import cloudpickle
import torch
from threadpoolctl import ThreadpoolController

_SECONDS_BETWEEN_LOOKS = 1.0  # how long a worker may outlive the process that started it


class Parcel(Protocol):
    """Where the job lies. `key` names its content: equal keys, equal jobs."""

    @property
    def key(self) -> str:
        """What the job's content is called."""
        ...

    def open(self) -> bytes:
        """Return the pickled job."""
        ...


class Done(NamedTuple):
    """A task's result, and which task it was."""

    number: int
    result: Any


class Failed(NamedTuple):
    """The exception that a task, or what is built before it, ended with, and where it was raised.

    The traceback names file, line and function of every frame, and shows source text where the worker can read it.
    Functions that were pickled by value may have left their file behind: line and function are still there.
    """

    error: Exception
    traceback: str  # beside the error: an exception may leave its notes behind when it is pickled


@dataclass(frozen=True, slots=True, kw_only=True)
class FileParcel:
    """A job in a file that every worker of this machine can read, in a folder of its own."""

    key: str
    path: str

    def open(self) -> bytes:
        """Return the pickled job, and remember the file as litter for a worker that is left alone."""
        _litter.add(self.path)
        return Path(self.path).read_bytes()


class _Built(NamedTuple):
    key: str
    work: Callable[[Any, Any], Any]
    prepared: Any


_built: list[_Built] = []
_building = threading.Lock()  # threads of one process (Dask) share what is built
_litter: set[str] = set()
_mine = threading.local()


def pack(build: Callable[[Any], Any], work: Callable[[Any, Any], Any], payload: Any) -> tuple[str, bytes]:
    """Pickle a job, once a campaign: `(key, data)`. Functions that cannot be imported by name travel by value."""
    data = cloudpickle.dumps((build, work, payload))
    return hashlib.blake2b(data, digest_size=16).hexdigest(), data


def run(parcel: Parcel, number: int, task: Any) -> Done | Failed:
    """Do one task, here, on one thread. An exception is returned, so that no backend can dress it up."""
    try:
        _settle()
        built = _prepare(parcel)
        return Done(number, built.work(built.prepared, task))
    except Exception as error:
        return Failed(_fit_to_travel(error), traceback.format_exc())


def _prepare(parcel: Parcel) -> _Built:
    with _building:
        if not _built or _built[0].key != parcel.key:
            _built.clear()  # before building: two payloads need not fit in memory
            build, work, payload = cloudpickle.loads(parcel.open())
            _built.append(_Built(parcel.key, work, build(payload)))
        return _built[0]


def _fit_to_travel(error: Exception) -> Exception:
    try:
        cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:  # whatever a foreign class does when it is pickled
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


@functools.cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread for torch and for NumPy's products, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _thread_pools().limit(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


def _settle() -> None:
    # OpenMP counts for each thread that calls, so each thread of a Dask worker has to say it
    if not getattr(_mine, "settled", False):
        torch.set_num_threads(1)
        _thread_pools().limit(limits=1)
        torch.backends.nnpack.set_flags(False)
        _mine.settled = True


def enlist(parent: int) -> None:
    """Begin life as a worker of the process `parent`, on the same machine.

    Ctrl-C reaches the whole process group; the parent answers it. A worker whose parent was killed cannot be told to
    stop, so it looks by itself, removes the job's folder, and leaves.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    for path in _litter:
        shutil.rmtree(Path(path).parent, ignore_errors=True)
    os._exit(1)
