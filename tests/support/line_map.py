"""Which tests run which lines, one file of tests at a time; stored, and made anew when source or tests change."""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.changes import ROOT, SOURCE, Mutant, lines_of
from support.warm import Copy, import_others, in_child, others, pytest_in_child, write_whole

SHARED = "shared"  # run for several tests, in a fixture of a module or on import
NO_TIME = 0.01  # seconds
PROCESSOR_SECONDS, CLOCK_SECONDS = 1200, 3600


def digest(*places: Path) -> str:
    """Of every Python file there, with its name."""
    found = hashlib.sha256()
    for place in places:
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            content = file.read_bytes()
            found.update(f"{file.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return found.hexdigest()[:20]


@dataclass(frozen=True)
class LineMap:
    """The tests of one file: seconds of each, which fail on the source as it is, and the lines they run.

    `lines[file][line]` is a number whose bit i is set where test i runs the line.
    """

    tests: list[str]
    seconds: list[float]
    failing: list[str]
    lines: dict[str, dict[int, int]]

    @classmethod
    def read(cls, path: Path) -> "LineMap":
        raw = json.loads(path.read_text())
        lines = {file: {int(k): int(mask, 16) for k, mask in each.items()} for file, each in raw["lines"].items()}
        return cls(raw["tests"], raw["seconds"], raw["failing"], lines)

    def that_run(self, mutant: Mutant) -> list[str]:
        """Tests that run a mutant's line, quickest first.

        Nobody knows who uses what runs on import: those that run anything beside it, and all that take no time.
        """
        masks = self.lines.get(mutant.place, {})
        lines = lines_of(mutant.path.read_text(), mutant.line)
        mask = 0 if lines is not None else sum(1 << i for i, each in enumerate(self.seconds) if each <= NO_TIME)
        for line in masks if lines is None else lines:
            mask |= masks.get(line, 0)
        return self.in_order(name for index, name in enumerate(self.tests) if mask >> index & 1)

    def in_order(self, names: Iterator[str] | list[str]) -> list[str]:
        """Quickest first, without those that fail anyway."""
        seconds = dict(zip(self.tests, self.seconds, strict=True))
        return sorted((name for name in names if name not in self.failing), key=lambda name: seconds[name])

    def seconds_of(self, names: list[str]) -> float:
        """What they took together."""
        seconds = dict(zip(self.tests, self.seconds, strict=True))
        return sum(seconds.get(name, 0.0) for name in names)


class Maps:
    """Maps of files of tests, in a folder; what is not there is recorded, in a child, on the source as it is."""

    def __init__(self, folder: Path, copy: Copy, on_progress: Callable[[str], None]) -> None:
        self.folder, self.copy, self.on_progress = folder, copy, on_progress
        conftests = sorted((ROOT / "tests").rglob("conftest.py"))
        self.common = digest(SOURCE, ROOT / "tests" / "support", *conftests)
        self._read: dict[str, LineMap] = {}

    def of(self, tests: str) -> LineMap:
        """The map of one file of tests."""
        if tests not in self._read:
            name = tests.removeprefix("tests/").removesuffix(".py").replace("/", "-")
            path = self.folder / f"{name}-{self.common[:8]}{digest(ROOT / tests)[:8]}.json"
            if not path.is_file():
                self._record(tests, path)
            self._read[tests] = LineMap.read(path)
            for failing in self._read[tests].failing:
                self.on_progress(f"fails on the source as it is, so it says nothing: {failing}")
        return self._read[tests]

    def _record(self, tests: str, path: Path) -> None:
        def work() -> int:
            import coverage

            self.copy.enter(None)
            measure = coverage.Coverage(data_file=None, config_file=False, include=[f"{self.copy.package}/*"])
            recorder = Recorder(measure)
            measure.start()
            code = pytest_in_child(self.copy, recorder, [tests], first_only=False)
            measure.stop()
            write_whole(path, recorder.content(self.copy.package))
            write_whole(self.folder / "modules.json", others())
            return code

        assert not self.copy.is_changed, "what is recorded is the source as it is"
        path.parent.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        log = self.folder / "recording.log"
        in_child(work, log, processor=PROCESSOR_SECONDS, clock=CLOCK_SECONDS)
        if not path.is_file():
            raise SystemExit(f"{tests}: not recorded: {log.read_text()[-2000:]}")
        import_others(json.loads((self.folder / "modules.json").read_text()))
        self.on_progress(f"recorded {tests} in {time.monotonic() - start:.0f} s")


class Recorder:
    """A plugin of pytest: every test is a context of its own for `coverage`."""

    def __init__(self, measure: Any) -> None:
        self.measure = measure
        self.seconds: dict[str, float] = {}
        self.failing: list[str] = []
        self.current = ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        _forget_results()
        self.current = item.nodeid
        self.measure.switch_context(item.nodeid)
        start = time.perf_counter()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = round(time.perf_counter() - start, 4)
            self.measure.switch_context(SHARED)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[Any]:
        if fixturedef.scope == "function":
            return (yield)
        self.measure.switch_context(SHARED)
        try:
            return (yield)
        finally:
            self.measure.switch_context(self.current)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failing.append(report.nodeid)

    def content(self, package: Path) -> dict[str, object]:
        """As `LineMap` reads it."""
        tests = list(self.seconds)
        bits = {name: 1 << index for index, name in enumerate(tests)}
        everyone = (1 << len(tests)) - 1
        data = self.measure.get_data()
        lines: dict[str, dict[int, str]] = {}
        for file in data.measured_files():
            masks = {}
            for line, contexts in data.contexts_by_lineno(file).items():
                mask = 0
                for context in contexts:
                    mask |= bits.get(context, everyone)
                masks[line] = f"{mask:x}"
            lines[str(Path(file).relative_to(package))] = _without_import(Path(file).read_text(), masks)
        return {"tests": tests, "seconds": list(self.seconds.values()), "failing": self.failing, "lines": lines}


def _without_import(text: str, masks: dict[int, str]) -> dict[int, str]:
    """Lines in functions: what runs on import runs for everyone, and says nothing of who uses it."""
    return {line: mask for line, mask in masks.items() if lines_of(text, line) is not None}


def _forget_results() -> None:
    """What an earlier test has computed is computed again, so that it shows who needs it."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file.startswith(f"{ROOT}/tests/"):
            for each in list(vars(module).values()):
                if hasattr(each, "cache_clear"):
                    each.cache_clear()
