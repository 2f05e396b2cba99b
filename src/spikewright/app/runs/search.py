"""A whole search from its settings to its result folder; the same call goes on where it was stopped.

    {out}/search.json      settings, every candidate with figures and verdicts, those that pass, the chosen one
    {out}/search.html      the same as a page, with the front
    {out}/candidates/…     a run folder each, for `evaluate` and `inject`
    {out}/trained/…, {out}/faults/…, {out}/study.journal    what it goes on from
Everything is chosen on the validation split; the test split is read once, for the one that was chosen.
"""

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter

from spikewright.app.pages.injection import write_injection
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.app.runs.compare import method_of
from spikewright.app.runs.faults import FaultAt
from spikewright.data.files import PART, refusals, write_json
from spikewright.data.json_file import read_json
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadFile, BadSetting
from spikewright.exploration.candidates.candidate import Candidate
from spikewright.exploration.candidates.converted import ConvertedMaker
from spikewright.exploration.candidates.maker import Maker
from spikewright.exploration.candidates.trained import TrainedMaker, training_of
from spikewright.exploration.figures.under_faults import Measure
from spikewright.exploration.gates.by_injection import ByInjection
from spikewright.exploration.gates.reliability import show
from spikewright.exploration.outcome import FORMAT, OnTest, Outcome
from spikewright.exploration.request.settings import JOURNAL, SearchSettings
from spikewright.exploration.request.space import ConvertedSpace, ends
from spikewright.exploration.strategies.front import confirmed, front
from spikewright.exploration.strategies.grid import search_grid
from spikewright.exploration.strategies.processes import sample_in_processes
from spikewright.exploration.strategies.relisted import fits, take_over
from spikewright.exploration.strategies.sampled import collected, queue_all, sample
from spikewright.exploration.strategies.study import existing, hidden, opened, repair, take_up
from spikewright.exploration.strategies.trials import require_possible
from spikewright.exploration.workspace import Bench, fresh_seed
from spikewright.interchange.claim import claimed

RESULT, PAGE, LOCK = "search.json", "search.html", "search.lock"
TEST = "test"  # purpose of the fault maps that the report is made with

MeasureOf = Callable[[SearchSettings], Measure]


def by_injection(settings: SearchSettings) -> Measure:
    """Accuracies under faults by fault campaigns."""
    return ByInjection(faults=settings.faults, fault_at=FaultAt(settings.faults.kind, settings.faults.settings))


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What to search, and what accuracies under faults are asked of.

    Attributes:
        settings: of the search.
        measure_of: makes what is asked; pickled where there are several processes.

    Raises:
        BadSetting: a method that can run none of its timesteps, or a fault that cannot be.
    """

    settings: SearchSettings
    measure_of: MeasureOf = by_injection

    def __post_init__(self) -> None:
        settings = self.settings
        if settings.kind == "train":
            for point in ends(settings.space).points():
                _ = training_of(point, settings.train, seed=settings.seed)
        else:
            require_possible(settings.space)
            for spec in settings.space.methods if isinstance(settings.space, ConvertedSpace) else ():
                _ = method_of(spec, 1)
        _ = self.measure_of(self.settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The outcome, which may be that none passes, and what `search.json` holds."""

    outcome: Outcome
    content: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """What `search.json` holds."""
        return self.content


def run(request: SearchRequest, *, on_progress: Progress | None = None) -> SearchResult:
    """Search, or go on with a search.

    Raises:
        BadSetting: no data, an out folder of something else, or another command at work in it.
        BadFile: the out folder holds another search.
        SpikewrightError: as loading, making and measuring do.
    """
    settings, on_progress = request.settings, silent if on_progress is None else on_progress
    settle_arithmetic()
    _require_free(settings)
    if settings.optuna is not None and settings.optuna.storage != JOURNAL:
        _ = opened(settings.optuna, settings.out, seed=settings.seed)  # before anything is loaded or written
    bench = bench_of(settings, request.measure_of)
    _ = bench.maker.possible(ends(settings.space).points())
    identity = _identity(bench)
    with _claimed(settings):
        book = _Book(bench, identity)
        if settings.optuna is None:
            outcome = _gone_through(bench, book, on_progress)
        else:
            outcome = _sampled(bench, book, request.measure_of, on_progress)
        outcome = book.report(outcome, on_progress)
        content = book.content(outcome)
        if outcome.candidates:
            write_injection(
                settings.out / PAGE, content, title=f"Search: {settings.out.resolve().name}", note=_note(bench, outcome)
            )
    return SearchResult(outcome=outcome, content=content)


def _note(bench: Bench, outcome: Outcome) -> str:
    rates = ", ".join(f"{rate:g}" for rate in bench.settings.faults.ber)
    return f"{outcome.line}. {bench.data.name}, validation split; rates of {bench.settings.faults.kind}: {rates}."


def bench_of(settings: SearchSettings, measure_of: MeasureOf = by_injection) -> Bench:
    """The bench of a search: its network and data, read; nothing is written.

    Raises:
        SpikewrightError: as loading does, and where the network or the settings do not go with the search.
    """
    settle_arithmetic()  # in each process that searches
    measure = measure_of(settings)
    # the validation split must be the one that the network was not trained on, whatever the search's seed
    source, data, about = acquire.of_run(settings.network.run, data=settings.network.data, images=ImageSettings())
    if data is None:
        raise BadSetting(f"run {settings.network.run} does not say what data it was made with: give [network] data")
    maker: Maker
    if settings.kind == "train":
        maker = TrainedMaker(
            source=source, data=data, about=about, table=settings.train, weights=settings.weights, seed=settings.seed,
            device=settings.device,
        )  # fmt: skip
    else:
        images = acquire.inputs(data.train, data, limit=settings.convert.calibration, seed=settings.seed)
        maker = ConvertedMaker(
            source=source, data=data, about=about, method_of=method_of, calibration=images, weights=settings.weights,
            table=settings.gates.energy_table,
        )  # fmt: skip
    return Bench(
        settings=settings, source=source, digest=acquire.digest(source), data=data, maker=maker, measure=measure
    )


def _gone_through(bench: Bench, book: "_Book", on_progress: Progress) -> Outcome:
    def save(found: Any) -> None:
        book.write(Outcome(candidates=tuple(found)))

    return Outcome(candidates=tuple(search_grid(bench, save=save, on_progress=on_progress)))


def _sampled(bench: Bench, book: "_Book", measure_of: MeasureOf, on_progress: Progress) -> Outcome:
    settings = bench.settings
    assert settings.optuna is not None
    repair(settings.optuna, settings.out)
    study = opened(settings.optuna, settings.out, seed=settings.seed, fits=partial(fits, space=settings.space))
    take_up(study, settings.optuna)
    others = [other for other in existing(settings.optuna, settings.out) if other.study_name != study.study_name]
    take_over(study, others, settings.space)
    trials = queue_all(study, bench, settings.optuna)
    if settings.optuna.workers > 1:
        build = partial(bench_of, settings, measure_of)
        sample_in_processes(study, build, trials, settings.optuna, on_progress=on_progress)
    else:
        sample(study, bench, trials, on_progress=on_progress)
    found = tuple(collected(study))
    book.write(Outcome(candidates=found))
    best = confirmed(bench, front(found, settings.optuna.objectives), on_progress=on_progress)
    # beside the trials, for whoever looks at the study and not at the result file
    study.set_user_attr("front, with fresh fault maps", {one.name: _confirmation(one) for one in best})
    return Outcome(candidates=found, front=tuple(best))


def _confirmation(one: Candidate) -> dict[str, Any]:
    worst = None if one.shown is None else one.shown.worst
    return {
        "verdict": one.verdict,
        "reliability": None if worst is None else worst.reliability_mean,
        "reliability low": None if worst is None else worst.reliability_low,
        "reliability high": None if worst is None else worst.reliability_high,
    }


class _Book:
    """The result file: whose it is, and what is in it so far."""

    def __init__(self, bench: Bench, identity: dict[str, Any]) -> None:
        self.bench, self.identity = bench, identity
        self.path = bench.settings.out / RESULT
        self.on_test: dict[str, Any] | None = None
        self.settings = TypeAdapter(SearchSettings).dump_python(bench.settings, mode="json")
        if bench.settings.optuna is not None:
            self.settings["optuna"]["storage"] = hidden(bench.settings.optuna.storage)
        if self.path.is_file():
            self.on_test = self._stored()
        else:
            self.write(Outcome(candidates=()))

    def write(self, outcome: Outcome) -> None:
        write_json(self.path, self.content(outcome))

    def content(self, outcome: Outcome) -> dict[str, Any]:
        """What the file holds."""
        settings = self.bench.settings
        return {
            "format": FORMAT,
            "of": self.identity,
            "settings": self.settings,
            "seeds": {
                "search": settings.seed,
                "fault_maps": settings.fault_seed,
                "fault_maps_front": fresh_seed(settings.fault_seed, "front"),
                "fault_maps_test": fresh_seed(settings.fault_seed, TEST),
            },
            "versions": {
                **{name: version(name) for name in ("spikewright", "torch", "optuna")},
                "python": platform.python_version(),
            },
            **outcome.to_json(),
            "test": outcome.on_test or self.on_test,
        }

    def report(self, outcome: Outcome, on_progress: Progress) -> Outcome:
        """The outcome with the chosen one's figures on the test split, which are read if they are not known."""
        chosen = outcome.chosen
        known = self.on_test
        self.on_test = None
        if chosen is not None:
            fits = known is not None and known["name"] == chosen.name
            test = known if fits else _on_test(self.bench, chosen, on_progress).to_json()
            outcome = Outcome(candidates=outcome.candidates, front=outcome.front, on_test=test)
        self.write(outcome)
        return outcome

    def _stored(self) -> dict[str, Any] | None:
        """What it says of the test split, if it is this search's.

        Raises:
            BadFile: it is damaged, or another search's.
        """
        # without the file nobody knows whose the candidates beside it are
        anew = f"delete the folder {self.path.parent} and begin again, or choose another out"
        try:
            content = read_json(self.path, way_out=f"it is damaged; {anew}")
            theirs, on_test = content["of"], content["test"]
            same = all(content["settings"][name] == self.settings[name] for name in ("gates", "faults"))
            differs = sorted(name for name in {*theirs, *self.identity} if theirs.get(name) != self.identity.get(name))
        except (KeyError, TypeError, AttributeError) as error:
            raise BadFile(f"{self.path} cannot be read ({error}): it is damaged; {anew}") from None
        if differs:
            raise BadFile(
                f"{self.path} holds another search ({', '.join(differs)} differ): choose another out, or delete the "
                f"folder {self.path.parent}"
            )
        return on_test if same else None


def _on_test(bench: Bench, chosen: Candidate, on_progress: Progress) -> OnTest:
    bench.candidate(chosen.point)  # found on another machine, it is not here yet
    found, beside = bench.on_test(chosen.point)
    seed = fresh_seed(bench.settings.fault_seed, TEST)
    ask = bench.asking({chosen.name: chosen.point}, seed=seed, split="test", on_progress=on_progress)
    shown = show([chosen.name], ask, bench.plan(1 - bench.settings.gates.level))[chosen.name]
    return OnTest(name=chosen.name, golden=found, beside=beside, shown=shown)


def _identity(bench: Bench) -> dict[str, Any]:
    """What the candidates on disk depend on: with it the same, they may be gone on with, whatever else is asked."""
    settings = bench.settings
    how = asdict(settings.train) if settings.kind == "train" else asdict(settings.convert)
    return {
        "kind": settings.kind,
        "network": bench.digest,
        "data": bench.data.fingerprint,
        settings.kind: how,
        "weights": asdict(settings.weights),
        "faults": {
            "kind": settings.faults.kind,
            "settings": dict(settings.faults.settings),
            "images": settings.faults.images,
            "seed": settings.fault_seed,
        },
        "energy_table": settings.gates.energy_table,
        "seed": settings.seed,
    }


def _require_free(settings: SearchSettings) -> None:
    """Refuse an out folder that is not a search's.

    Raises:
        BadSetting: it is a file, holds something else, or is the network's own.
    """
    out = settings.out
    if out.exists() and not out.is_dir():
        raise BadSetting(f"out {out} is a file: give a folder")
    if out.resolve() == settings.network.run.resolve():
        raise BadSetting(f"out is the run of the trained network itself ({out}): choose another folder")
    with refusals(out):
        existing = {path.name for path in out.iterdir() if path.suffix != PART} if out.is_dir() else set()
    if existing - {LOCK} and RESULT not in existing:
        raise BadSetting(f"out {out} is not empty and holds no search: choose another folder")


@contextmanager
def _claimed(settings: SearchSettings) -> Iterator[None]:
    """The out folder, for this command alone; made if need be.

    Raises:
        BadFile: it cannot be written.
        BadSetting: another command is at work in it, or something else was put there since.
    """
    out = settings.out
    _require_free(settings)
    with claimed(out, name=LOCK):
        _require_free(settings)
        with refusals(out):  # what a study or a lock could not write
            yield
