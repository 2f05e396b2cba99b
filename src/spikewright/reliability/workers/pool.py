"""Independent tasks on many processes or machines, through joblib.

    results = gather(build, work, payload, tasks, workers)      work(build(payload), task) for every task

`build` runs once a process: it makes what is dear and the same for every task, such as a fault-free pass over thousands
of images. The payload is pickled once, and reaches each process once: by a file (loky), by the object store (Ray), or
as the result of a task (Dask). Each process gets a copy of its own.

A process that dies, whatever killed it, costs what it was at: the tasks that have no result yet are sent out again.
Knows nothing about networks, faults or records.

Source: the interface is ours; joblib (https://joblib.readthedocs.io) sends tasks and collects results.
"""

import contextlib
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from joblib import Parallel, delayed, parallel_config

from spikewright.errors import BadSetting, SpikewrightError
from spikewright.reliability.workers.crew import Crew, first_line
from spikewright.reliability.workers.dask import dask_crew
from spikewright.reliability.workers.loky import loky_crew
from spikewright.reliability.workers.ray import ray_crew
from spikewright.reliability.workers.worker import Done, Failed, one_thread, pack, run

BACKENDS = ("loky", "ray", "dask")
RESTARTS = 3
MOST_WORKERS = 4096

Payload = TypeVar("Payload")
Prepared = TypeVar("Prepared")
Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Where tasks run.

    Attributes:
        count: tasks at once. None: one with loky, as many as the cluster has CPUs with Ray and Dask. One with loky
            needs no further process.
        backend: "loky", processes on this machine; "ray" or "dask", a cluster that runs already.
        address: of the cluster: "host:6379", "ray://host:10001" or "auto" for Ray, "tcp://host:8786" for Dask.

    Raises:
        BadSetting: an unknown backend, a count below 1, a cluster without an address, or an address without a cluster.

    """

    count: int | None = None
    backend: str = "loky"
    address: str | None = None

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise BadSetting(f"no backend named {self.backend!r}: choose one of {', '.join(BACKENDS)}")
        if self.count is not None and (isinstance(self.count, bool) or self.count < 1):
            raise BadSetting(f"{self.count} workers cannot work: give 1 or more")
        if self.count is not None and self.count > MOST_WORKERS:
            raise BadSetting(
                f"{self.count:.6g} workers are more than any cluster takes: give {MOST_WORKERS:,} or fewer"
            )
        if self.backend == "loky" and self.address is not None:
            raise BadSetting(f"backend loky is this machine and has no address {self.address!r}: choose ray or dask")
        if self.backend != "loky" and not (self.address or "").strip():
            raise BadSetting(f"backend {self.backend} needs the address of a cluster that runs: see docs/clusters.md")


def gather(
    build: Callable[[Payload], Prepared],
    work: Callable[[Prepared, Task], Result],
    payload: Payload,
    tasks: Sequence[Task],
    workers: Workers,
    *,
    notice: Callable[[str], None] | None = None,
) -> Generator[Result, None, None]:
    """Yield `work(build(payload), task)` for every task, each once, in the order in which they are done.

    Nothing starts before the first result is asked for. Leaving early, by `close()`, by an exception or by Ctrl-C,
    stops the tasks that run. Everything runs on one thread a task, also in this process, so that results do not depend
    on the number of workers.

    Args:
        build: makes what all tasks share; once in each process.
        work: does a task. It must not change what was built: threads of a Dask worker share it.
        payload: what is built from; anything that can be pickled.
        tasks: small things that can be pickled. A result should say which task it is of.
        workers: where.
        notice: is told, in one line, when workers died and tasks are sent out again.

    Raises:
        BadSetting: the backend is not installed.
        SpikewrightError: the cluster cannot be reached or used; or workers died again after three restarts.
        Exception: whatever `build` or `work` raises, with the worker's traceback as a note.

    """
    if workers.backend == "loky" and workers.count in {None, 1}:
        yield from _here(build, work, payload, tasks)
        return
    yield from _from_crews(*pack(build, work, payload), tasks, workers, notice)


def _from_crews(
    key: str, data: bytes, tasks: Sequence[Any], workers: Workers, notice: Callable[[str], None] | None
) -> Generator[Any, None, None]:
    """Results of one crew, and of another with the tasks that are left whenever workers died."""
    left = dict(enumerate(tasks))
    deaths = 0
    while left:
        with _crew(workers, key, data) as crew, contextlib.closing(_outcomes(crew, left)) as outcomes:
            while left:
                try:
                    outcome = next(outcomes)
                except crew.lost as error:
                    deaths += 1
                    if deaths > RESTARTS:
                        raise SpikewrightError(
                            f"{crew.where}: workers died {deaths} times, {len(left)} tasks are left (killed, or out of "
                            "memory?): use fewer workers, and start again from what is done"
                        ) from error
                    if notice is not None:
                        notice(f"{crew.where}: a worker died; {len(left)} tasks are sent out again")
                    break
                if isinstance(outcome, Failed):
                    outcome.error.add_note(f"in a worker:\n{outcome.traceback}")
                    raise outcome.error
                del left[outcome.number]
                yield outcome.result


def _here(
    build: Callable[[Payload], Prepared],
    work: Callable[[Prepared, Task], Result],
    payload: Payload,
    tasks: Sequence[Task],
) -> Iterator[Result]:
    if not tasks:
        return
    with one_thread():
        prepared = build(payload)
    for task in tasks:
        with one_thread():  # not around the yield: the caller's threads are its own
            result = work(prepared, task)
        yield result


def _crew(workers: Workers, key: str, data: bytes) -> contextlib.AbstractContextManager[Crew]:
    if workers.backend == "loky":
        return loky_crew(workers.count or 1, key, data)
    hire = {"ray": ray_crew, "dask": dask_crew}[workers.backend]
    return hire(workers.count, workers.address or "", key, data)


def _outcomes(crew: Crew, tasks: dict[int, Any]) -> Generator[Done | Failed, None, None]:
    with parallel_config(backend=crew.backend, n_jobs=crew.jobs, **crew.settings):
        parallel: Any = Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch=crew.ahead)  # pyright: ignore[reportArgumentType]
    todo = list(tasks.items())  # joblib's threads read on while results are taken out of `tasks`
    try:
        outcomes = parallel(delayed(run)(crew.parcel, number, task) for number, task in todo)
        try:
            for outcome in outcomes:  # noqa: UP028 (`yield from` would close it before the finally)
                yield outcome
        finally:
            with warnings.catch_warnings():  # joblib counts what is thrown away
                warnings.simplefilter("ignore", UserWarning)
                outcomes.close()
    except (*crew.lost, SpikewrightError):
        raise
    except Exception as error:
        hint = "" if crew.backend == "loky" else ": every machine needs the same versions of Python and spikewright"
        raise SpikewrightError(f"{crew.where}: {first_line(error)}{hint}") from error
