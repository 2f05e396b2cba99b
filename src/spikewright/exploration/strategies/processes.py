"""Several processes at one study: started, watched, and gone when the one that started them is gone.

Each makes its own bench, and talks to the others through the study and the files alone. A process whose parent dies
ends at once, so that a search which was killed leaves nobody at work behind it. What a killed process was at is taken
up again by the next.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import torch

from spikewright import errors
from spikewright.data.progress import Progress, silent
from spikewright.errors import SpikewrightError
from spikewright.exploration.request.settings import SampleSettings
from spikewright.exploration.strategies.relisted import fits
from spikewright.exploration.strategies.sampled import done, sample
from spikewright.exploration.strategies.study import opened, take_up
from spikewright.exploration.workspace import Bench

if TYPE_CHECKING:
    import optuna

POLL_SECONDS = 0.5
INTERRUPTED = 130
MOST_DEATHS = 3  # of processes; memory that is too small would kill them again and again


def sample_in_processes(
    study: "optuna.Study",
    build: Callable[[], Bench],
    trials: int,
    settings: SampleSettings,
    *,
    on_progress: Progress = silent,
) -> None:
    """Have several processes try points until `trials` of them are done.

    Args:
        study: to see how far they are.
        build: makes a process its bench; it is pickled.
        trials: in all.
        settings: how many processes, and where the study is.
        on_progress: called with trials that are done.

    Raises:
        SpikewrightError: what one of them met, or processes that are killed again and again.
        KeyboardInterrupt: interrupted.
    """
    deaths = 0
    while done(study) < trials:
        killed = _round(study, build, trials, settings.workers, on_progress)
        if not killed:
            return
        deaths += killed
        if deaths > MOST_DEATHS:
            raise SpikewrightError(
                f"search: {deaths} worker processes were killed, by lack of memory perhaps: give fewer workers, and "
                "the same command goes on"
            )
        take_up(study, settings)


def _round(study: "optuna.Study", build: Callable[[], Bench], trials: int, workers: int, on_progress: Progress) -> int:
    """Run processes until all have ended or one has failed; how many were killed."""
    context = get_context("spawn")
    alive, open_end = context.Pipe(duplex=False)  # nothing is ever sent: `alive` ends when this process does
    results = [context.Pipe(duplex=False) for _ in range(workers)]
    processes = [
        context.Process(target=_work, args=(build, trials, index, workers, alive, result))
        for index, (_, result) in enumerate(results)
    ]
    try:
        for process, (_, result) in zip(processes, results, strict=True):
            process.start()
            result.close()
        while any(process.is_alive() for process in processes):
            if any((process.exitcode or 0) > 0 for process in processes):
                break
            on_progress("trials", min(done(study), trials - 1), trials)
            time.sleep(POLL_SECONDS)
        codes = [process.exitcode for process in processes]
    finally:
        for process in processes:
            if process.pid is not None:
                process.terminate()
                process.join()
        open_end.close()
    on_progress("trials", trials, trials)
    for code, (result, _) in zip(codes, results, strict=True):
        _require_well(code, result)
    return sum((code or 0) < 0 for code in codes)


def _require_well(code: int | None, result: Any) -> None:
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if (code or 0) <= 0:
        return
    try:
        kind, words = result.recv() if result.poll() else ("", "")
    except EOFError:
        kind, words = "", ""
    if kind:
        raise getattr(errors, kind, SpikewrightError)(words)
    raise RuntimeError(f"a worker process of the search ended with {code}; what it says is above")


def _work(
    build: Callable[[], Bench], trials: int, index: int, workers: int, alive: Connection, result: Connection
) -> None:
    threading.Thread(target=_watch, args=(alive,), daemon=True).start()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
    try:
        bench = build()
        settings = bench.settings.optuna
        assert settings is not None
        # each process its own numbers, or all would propose the same
        fitting = partial(fits, space=bench.settings.space)
        study = opened(settings, bench.settings.out, seed=bench.settings.seed + 1000 * (index + 1), fits=fitting)
        sample(study, bench, trials)
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)
    except SpikewrightError as error:
        result.send((type(error).__name__, str(error)))
        raise SystemExit(1) from None


def _watch(alive: Connection) -> None:
    try:
        alive.recv()
    except (EOFError, OSError):
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
