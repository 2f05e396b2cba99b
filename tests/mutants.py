"""Would the tests notice? Draw small changes of the source, run the tests that reach them, and say which pass.

    make mutants                       200 of them, seed 0; goes on where it stopped
    python tests/mutants.py --count 20 --seed 7 --only conversion

A mutant is one change in one place: another comparison, operator or constant, a condition turned round, an argument
left at its default. It runs in a copy of the package. Noticed: of the tests that mirror its file, or then of the
contracts that run its line, one fails or takes too long. Which tests run which lines is recorded once (`.mutants/`).
Whoever is not noticed is printed: a test is missing, or nothing is changed by it. What a person has found to change
nothing is said so in the result's file (`--result`), and counts neither way. Exits with 1 where fewer than 95 % are
noticed.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # a child that is forked can't use its parent's threads
sys.path.insert(0, str(Path(__file__).resolve().parent))

from support.changes import ROOT, SOURCE, Mutant, draw, mirrored_by
from support.line_map import Maps, digest
from support.warm import Chosen, Copy, import_others, in_child, pytest_in_child

ENOUGH = 0.95
STORE = ROOT / ".mutants"
CONTRACTS = tuple(sorted(str(each.relative_to(ROOT)) for each in (ROOT / "tests/contracts").glob("test_*.py")))
# seconds; tests as they were recorded take a fraction of the first
PROCESSOR, CLOCK, FOLD = 60.0, 300.0, 5.0
UNKNOWN = 20.0  # of tests that were not recorded
NO_TESTS = 5


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: `by` names the test that noticed, or says how else; empty where nobody did."""

    name: str
    by: str
    reached_by: int
    seconds: float
    tests: str

    @property
    def noticed(self) -> bool:
        """Whether a test failed or took too long."""
        return bool(self.by)


class Judge:
    """Runs mutants, each in a child of this process."""

    def __init__(self, maps: Maps, copy: Copy, contracts: tuple[str, ...] = CONTRACTS) -> None:
        self.maps, self.copy, self.contracts = maps, copy, contracts

    def verdict(self, mutant: Mutant, tests: str) -> Verdict:
        """Its tests first, then the contracts that run its line."""
        start = time.monotonic()
        own = mirrored_by(mutant.path)
        # a file of tests takes about as long to record as to run, so that one that is a mutant's own is just run
        reaching = {} if len(own) == 1 else self._reaching(mutant, own)
        contracts = self._reaching(mutant, self.contracts)
        with self.copy.changed(mutant):  # nothing is recorded in here
            by = self._fails([name for names in reaching.values() for name in names], reaching or own, mutant)
            if not by and contracts:
                by = self._fails([name for names in contracts.values() for name in names], contracts, mutant)
        reached_by = sum(map(len, contracts.values()))
        if not by:
            reached_by += sum(map(len, self._reaching(mutant, own).values()))
        return Verdict(mutant.name, by, reached_by, round(time.monotonic() - start, 1), tests)

    def failing_anyway(self, names: list[str]) -> set[str]:
        """Those of some tests that fail on the source as it is, each by itself: they noticed nothing."""
        together = self._failing(names)
        return {name for name in together if self._failing([name])}

    def _failing(self, names: list[str]) -> list[str]:
        report = self.copy.place / "control"
        report.unlink(missing_ok=True)

        def work() -> int:
            self.copy.enter(None)
            return pytest_in_child(self.copy, Chosen(names, report), _files(names), first_only=False)

        code = in_child(work, self.copy.place / "last.log", processor=PROCESSOR + len(names) * FOLD, clock=10 * CLOCK)
        if code not in (0, 1):
            raise SystemExit(f"not tried without changes: {(self.copy.place / 'last.log').read_text()[-2000:]}")
        return report.read_text().splitlines() if report.is_file() else []

    def _reaching(self, mutant: Mutant, files: Iterable[str]) -> dict[str, list[str]]:
        """Tests that run the line, by file; the file whose tests are quickest comes first: fixtures are a file's."""
        found = {each: names for each in files if (names := self.maps.of(each).that_run(mutant))}
        return dict(sorted(found.items(), key=lambda pair: self.maps.of(pair[0]).seconds_of(pair[1])))

    def _fails(self, order: list[str], files: Iterable[str], mutant: Mutant) -> str:
        """Who notices, of these tests in this order, or of all in the files: the first that fails."""
        files = list(files)
        if not files:
            return ""
        seconds = sum(self.maps.of(each).seconds_of(order) for each in files) if order else UNKNOWN
        with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
            report = Path(folder) / "failed"
            fresh = Path(folder) if self.copy.fresh_for(mutant) else None

            def work() -> int:
                self.copy.enter(fresh)
                return pytest_in_child(self.copy, (Chosen if order else Everything)(order, report), files)

            log = self.copy.place / "last.log"
            code = in_child(work, log, processor=PROCESSOR + FOLD * seconds, clock=CLOCK + 2 * FOLD * seconds)
            failed = report.read_text().splitlines() if report.is_file() else []
        if code is None:
            return "too long"
        if code in (0, NO_TESTS):
            return ""
        if code == 99:
            raise SystemExit(f"{mutant.name}: could not be tried: {log.read_text()[-2000:]}")
        return failed[0] if failed else f"exit code {code}" if code > 0 else f"signal {-code}"


class Everything(Chosen):
    """All tests of the files, as they come."""

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leave them as they are."""


def _files(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name.split("::")[0] for name in names))


class Seen:
    """Verdicts so far, one a line: who was noticed stays so, who was not is tried again when tests have changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.is_file() else []
        self.verdicts = {verdict.name: verdict for verdict in (Verdict(**json.loads(line)) for line in lines)}

    def get(self, mutant: Mutant, tests: str) -> Verdict | None:
        """What is known of a mutant, if it still holds."""
        known = self.verdicts.get(mutant.name)
        return known if known is not None and (known.noticed or known.tests == tests) else None

    def add(self, verdict: Verdict) -> None:
        """Write it down."""
        self.verdicts[verdict.name] = verdict
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(verdict)) + "\n")


def result(verdicts: list[Verdict], before: dict[str, Any], seed: int) -> dict[str, Any]:
    """Counts, and who was not noticed; what a person said became of them is taken from the result before."""
    said = {each["mutant"]: each["became"] for each in before.get("not_noticed", ())}
    missed = [
        {"mutant": each.name, "tests_that_run_it": each.reached_by, "became": said.get(each.name, "")}
        for each in verdicts
        if not each.noticed
    ]
    same = sum(each["became"].startswith("equivalent") for each in missed)
    noticed = sum(each.noticed for each in verdicts)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "commit": commit.strip(),
        "seed": seed,
        "drawn": len(verdicts),
        "noticed": noticed,
        "of_these_too_long": sum(each.by == "too long" for each in verdicts),
        "equivalent": same,
        "share_noticed": round(noticed / max(len(verdicts) - same, 1), 4),
        "not_noticed": missed,
    }


def main() -> int:
    """Run, print, and say whether enough are noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="files whose path holds this")
    parser.add_argument("--part", type=int, nargs=2, default=(0, 1), help="I N: of every N the Ith, from 0 on")
    parser.add_argument("--result", type=Path, help="JSON of counts and of who is not noticed")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a child is ended, too
    source, tests = digest(SOURCE), digest(ROOT / "tests")
    seen = Seen(STORE / f"seen-{source}.jsonl")
    mutants = draw(asked.count, asked.seed, asked.only)[asked.part[0] :: asked.part[1]]
    if any(seen.get(mutant, tests) is None for mutant in mutants):
        import_others()
        copy = Copy(STORE / f"copy-{os.getpid()}", source)
        try:
            maps = Maps(STORE / "maps", copy, lambda line: print(line, flush=True))
            _judge_all(mutants, Judge(maps, copy), seen, tests)
        finally:
            shutil.rmtree(copy.place, ignore_errors=True)
    verdicts = [verdict for mutant in mutants if (verdict := seen.get(mutant, tests)) is not None]
    before = json.loads(asked.result.read_text()) if asked.result and asked.result.is_file() else {}
    found = result(verdicts, before, asked.seed)
    if asked.result:
        asked.result.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    for each in found["not_noticed"]:
        print(f"not noticed: {each['mutant']}")
    print(f"{found['share_noticed']:.1%} of {found['drawn']} mutants are noticed")
    return 0 if found["share_noticed"] >= ENOUGH else 1


def _judge_all(mutants: list[Mutant], judge: Judge, seen: Seen, tests: str) -> None:
    fresh: list[Verdict] = []
    for index, mutant in enumerate(mutants):
        if seen.get(mutant, tests) is None:
            seen.add(judge.verdict(mutant, tests))
            fresh.append(seen.verdicts[mutant.name])
        verdict = seen.verdicts[mutant.name]
        word = "noticed" if verdict.noticed else "NOT NOTICED"
        print(f"{index + 1}/{len(mutants)} {word} {mutant.name[:160]} ({verdict.by}, {verdict.seconds} s)", flush=True)
    anyway = judge.failing_anyway(sorted({each.by for each in fresh if "::" in each.by}))
    for verdict in fresh:
        if verdict.by in anyway:
            print(f"NOT NOTICED {verdict.name}: {verdict.by} fails without the change, too", flush=True)
            seen.add(replace(verdict, by=""))


if __name__ == "__main__":
    sys.exit(main())
