"""Tests in children of a process that has imported everything but the package: no child imports PyTorch again.

A child runs the tests on a copy of the package, in which one file may be changed. It must not have imported the
package before it is told of the copy; the parent never does.
"""

import gc
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from support.changes import ROOT, SOURCE, Mutant

FIRST = ("torch", "numpy", "scipy", "numba", "lightning", "datasets", "pytest", "hypothesis", "pydantic", "typer")
# a capture follows from these, and the tests' folder of captures does not know of the copy
MAKE_CAPTURES = ("ann/", "interchange/", "data/")
ADDRESSES = 32 << 30  # bytes; a mutant that asks for more fails in its own process alone


def import_others(names: Sequence[str] = FIRST) -> None:
    """Import what tests use, but nothing of the project: it stays for every child."""
    for name in names:
        if name not in sys.modules:
            with suppress(Exception):
                importlib.import_module(name)
    assert "spikewright" not in sys.modules, "a child would run the source as it is"


def others() -> list[str]:
    """The modules of this process that are not the project's, as they came."""
    files = {name: getattr(module, "__file__", None) or "" for name, module in list(sys.modules.items())}
    outside = [name for name, file in files.items() if "site-packages" in file or file.startswith(sys.base_prefix)]
    return [name for name in outside if name != "__main__"]


class Copy:
    """A copy of the package, compiled files too, and folders for what its tests write."""

    def __init__(self, folder: Path, state: str) -> None:
        self.place = folder
        self.package = folder / "spikewright"
        if not self.package.is_dir():
            shutil.copytree(SOURCE, self.package)
        self.is_changed = False
        self.scratch = Path(tempfile.gettempdir()) / f"spikewright-mutants-{state[:12]}"

    @contextmanager
    def changed(self, mutant: Mutant) -> Any:
        """The copy with one change; afterwards it is as it was."""
        path = self.package / mutant.place
        _forget(path)
        path.write_text(mutant.text)
        self.is_changed = True
        try:
            yield
        finally:
            _forget(path)
            shutil.copy2(mutant.path, path)
            self.is_changed = False

    def enter(self, fresh: Path | None) -> None:
        """In a child: this copy is the package, for its own children too."""
        temporary = fresh or self.scratch
        temporary.mkdir(parents=True, exist_ok=True)
        tempfile.tempdir = None
        os.environ.update(PYTHONPATH=str(self.place), TMPDIR=str(temporary), OMP_NUM_THREADS="1")
        if fresh is not None:
            os.environ["NUMBA_CACHE_DIR"] = str(fresh / "numba")
        sys.path[:] = [str(self.place), *(each for each in sys.path if Path(each) != SOURCE.parent)]
        importlib.invalidate_caches()

    def fresh_for(self, mutant: Mutant) -> bool:
        """Whether what is stored between runs could hide a change."""
        return mutant.place.startswith(MAKE_CAPTURES) or "njit" in mutant.text


def _forget(path: Path) -> None:
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()


class Chosen:
    """A plugin of pytest: these tests in this order, and no others; who fails is written."""

    def __init__(self, order: Sequence[str], report: Path) -> None:
        self.rank = {name: index for index, name in enumerate(order)}
        self.report = report

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if item.nodeid in self.rank]
        items.sort(key=lambda item: self.rank[item.nodeid])

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            with self.report.open("a") as file:
                file.write(f"{report.nodeid}\n")


def pytest_in_child(copy: Copy, plugin: Any, files: Sequence[str], *, first_only: bool = True) -> int:
    """Run tests in this child, and see that they ran the copy."""
    import pytest

    options = ["-q", "-p", "no:cacheprovider", "--tb=short", f"--basetemp={os.environ['TMPDIR']}/base-{os.getpid()}"]
    code = int(pytest.main([*options, *(["-x"] if first_only else []), *files], plugins=[plugin]))
    shutil.rmtree(f"{os.environ['TMPDIR']}/base-{os.getpid()}", ignore_errors=True)
    package = sys.modules.get("spikewright")
    assert package is None or Path(str(package.__file__)).parent == copy.package, package.__file__
    return code


def in_child(work: Callable[[], int], log: Path, *, processor: float, clock: float) -> int | None:
    """What a child's work gives, or None where it took more seconds than these.

    Args:
        work: done in the child; its exit code.
        log: what the child prints.
        processor: seconds of this processor; others that use it do not count.
        clock: seconds that pass.
    """
    gc.freeze()
    child = os.fork()
    if child == 0:
        _be_child(work, log, processor)
    end = time.monotonic() + clock
    status = None
    try:
        while status is None and time.monotonic() <= end:
            done, found = os.waitpid(child, os.WNOHANG)
            status = found if done else None
            time.sleep(0.02)
    finally:  # also where this process is interrupted
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)  # also what it has left running
        if status is None:
            os.waitpid(child, 0)
    if status is None:
        return None
    if os.WIFSIGNALED(status):
        return None if os.WTERMSIG(status) == signal.SIGXCPU else -os.WTERMSIG(status)
    return os.WEXITSTATUS(status)


def _be_child(work: Callable[[], int], log: Path, processor: float) -> None:
    code = 99
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (int(processor) + 1, int(processor) + 10))
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(ROOT)
        code = work()
    except BaseException:  # a child never returns to its parent's work
        os.write(2, traceback.format_exc().encode())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def write_whole(path: Path, content: object) -> None:
    """JSON under another name, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".part{os.getpid()}")
    part.write_text(json.dumps(content))
    part.rename(path)
