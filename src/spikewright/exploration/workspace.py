"""The bench of one search: makes candidates, measures them without and under faults, and keeps all of it on disk.

    {out}/trained/…        trainings, which points of different bits share, with their checkpoints
    {out}/candidates/…     a run folder for each candidate: its network, and its figures in `about`
    {out}/faults/…         accuracies under faults, of candidates (by name) and of the trained network (ann_b8, …)
What is there is not made again, so that a search which was stopped goes on. Several processes may work at one bench.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from spikewright.ann.source import Source
from spikewright.data.dataset import ImageData
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadFile, BadModel, BadPlan, NotExact, UnsupportedModule
from spikewright.exploration.candidates.candidate import Candidate
from spikewright.exploration.candidates.maker import Made, Maker
from spikewright.exploration.figures.fault_free import Baseline, Golden, baseline, golden
from spikewright.exploration.figures.under_faults import FaultLoad, FaultyAccuracies, Measure, Remembered
from spikewright.exploration.gates.cheap import cheap
from spikewright.exploration.gates.reliability import Ask, Plan
from spikewright.exploration.request.points import Point
from spikewright.exploration.request.settings import SearchSettings
from spikewright.interchange import run_folder as folder
from spikewright.interchange.placing import has_file
from spikewright.measure.samples import Prepared, batches, first, prepared
from spikewright.measure.statistics.decisions import WAYS
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.signature import signature

# what is wrong with one candidate; a bad setting, file or data set is wrong with the whole search
UNMADE = (BadModel, BadPlan, NotExact, UnsupportedModule)
CANDIDATES, TRAINED, FAULTS = "candidates", "trained", "faults"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench:
    """One search's workplace.

    Attributes:
        settings: of the search.
        source: the trained network.
        digest: what tells it from others.
        data: its images, with its preparation.
        maker: of candidates.
        measure: of accuracies under faults.
    """

    settings: SearchSettings
    source: Source
    digest: str
    data: ImageData
    maker: Maker
    measure: Measure
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    def baseline(self, bits: int) -> Baseline:
        """The trained network with weights of so many bits, on the validation split."""
        return self._once(
            ("baseline", bits),
            lambda: baseline(
                self.source,
                batches(self._images("validation", "ann")),
                bits=bits,
                per_channel=self.settings.weights.per_channel,
                table=self.settings.gates.energy_table,
            ),
        )

    def candidate(self, point: Point, *, on_progress: Progress = silent) -> Candidate:
        """A point's network without faults; made and measured unless it is on disk already.

        One that cannot be made, as its training diverges say, is a candidate that says so.

        Raises:
            BadFile: what is on disk is damaged.
            BadSetting, BadData: as makers do.
        """
        where = Path(CANDIDATES) / point.name
        if not has_file(self.settings.out / where, "plan.json"):
            try:
                made = self.maker.make(point, self.settings.out / TRAINED)
            except UNMADE as error:
                return Candidate(point=point, failure=str(error))
            self._store(where, point, made, on_progress)
        found, beside = self._golden(where), self.baseline(point.bits)
        checked = cheap(found, beside, self.settings.gates)
        return Candidate(point=point, folder=str(where), golden=found, beside=beside, cheap=checked)

    def blueprint(self, point: Point) -> Blueprint:
        """A candidate's network, from its folder."""
        return folder.load_blueprint(self.settings.out / CANDIDATES / point.name)[0]

    def plan(self, alpha: float) -> Plan:
        """How reliability is decided, with so much chance of a wrong verdict."""
        gates, faults = self.settings.gates, self.settings.faults
        return Plan(
            rates=faults.ber,
            margin=gates.reliability_margin / 100,
            way=WAYS[gates.way],
            alpha=alpha,
            maps=faults.maps,
            cap=faults.cap,
            by=gates.reliability_by,
        )

    def asking(
        self, points: dict[str, Point], *, seed: int, split: str = "validation", on_progress: Progress = silent
    ) -> Ask:
        """Who answers for accuracies under faults of these candidates, with the maps of `seed` on a split's images."""

        def ask(name: str, ber: float, maps: int) -> tuple[FaultyAccuracies, FaultyAccuracies]:
            point = points[name]
            return self.faulty(point, ber, maps, seed, split, on_progress), self.faulty_ann(
                point.bits, ber, maps, seed, split, on_progress
            )

        return ask

    def faulty(
        self, point: Point, ber: float, maps: int, seed: int, split: str, on_progress: Progress = silent
    ) -> FaultyAccuracies:
        """A candidate under faults."""
        about = self._about(Path(CANDIDATES) / point.name)
        return self._faulty(
            point.name, lambda: self.blueprint(point), about["digest"], self._fault_load(point.bits, ber, maps, seed),
            split, "snn", on_progress,
        )  # fmt: skip

    def faulty_ann(
        self, bits: int, ber: float, maps: int, seed: int, split: str, on_progress: Progress = silent
    ) -> FaultyAccuracies:
        """The trained network, stored in so many bits, under the same maps."""
        return self._faulty(
            f"ann_b{bits}",
            lambda: self.source,
            self.digest,
            self._fault_load(bits, ber, maps, seed),
            split,
            "ann",
            on_progress,
        )

    def on_test(self, point: Point) -> tuple[Golden, Baseline]:
        """A candidate and the trained network on the test split, without faults; for the report alone."""
        table, per_channel = self.settings.gates.energy_table, self.settings.weights.per_channel
        found = golden(self.blueprint(point), self.source, batches(self._images("test", "snn")), table=table)
        checked = batches(self._images("test", "ann"))
        return found, baseline(self.source, checked, bits=point.bits, per_channel=per_channel, table=table)

    def _fault_load(self, bits: int, ber: float, maps: int, seed: int) -> FaultLoad:
        return FaultLoad(ber=ber, maps=maps, seed=seed, bits=bits, per_channel=self.settings.weights.per_channel)

    def _faulty(
        self, name: str, network: Any, digest: str, load: FaultLoad, split: str, side: str, on_progress: Progress
    ) -> FaultyAccuracies:
        asked = Remembered(measure=self.measure, folder=self.settings.out / FAULTS)
        images = first(self._images(split, side), self.settings.faults.images)
        name = name if split == "validation" else f"{name}_{split}"
        what = f"{name}, bit error rate {load.ber:g}"

        def reported(_: str, done: int, total: int, /, note: str = "") -> None:
            on_progress(what, done, total, note)

        return asked(name, network, images, load, of=f"{digest} {self.data.fingerprint}", on_progress=reported)

    def _images(self, split: str, side: str) -> Prepared:
        """A split as candidates (`snn`) or the trained network (`ann`) take it."""
        if side == "snn":
            return self._once((split, side), lambda: getattr(self.maker, split))
        return self._once((split, side), lambda: prepared(getattr(self.data, split), self.data.preparation))

    def _store(self, where: Path, point: Point, made: Made, on_progress: Progress) -> None:
        checked = self._images("validation", "snn")

        def seen(samples: int) -> None:
            on_progress(point.name, samples, len(checked.labels))

        table = self.settings.gates.energy_table
        found = golden(made.blueprint, self.source, batches(checked), table=table, seen=seen)
        record = {"point": point.settings, "golden": found.to_json(), "digest": digest_of(made.blueprint)}
        about = {**made.about, "search": record}
        folder.save_run(self.settings.out / where, source=made.source, blueprint=made.blueprint, about=about)

    def _golden(self, where: Path) -> Golden:
        found_before = {name: value for name, value in self._about(where)["golden"].items() if name != "memory_bytes"}
        try:
            return TypeAdapter(Golden).validate_python(found_before, strict=False)
        except ValidationError as error:
            words = error.errors()[0]["msg"]
            raise BadFile(f"{self.settings.out / where}: its figures cannot be read ({words}): delete it") from None

    def _about(self, where: Path) -> dict[str, Any]:
        def read() -> dict[str, Any]:
            found_before = folder.load_blueprint(self.settings.out / where)[1].get("search")
            if not isinstance(found_before, dict) or not {"golden", "digest"} <= set(found_before):
                raise BadFile(f"{self.settings.out / where} is not a candidate of a search: delete the folder")
            return found_before

        return self._once(("about", where), read)

    def _once(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]


def digest_of(blueprint: Blueprint) -> str:
    """A short text that tells spiking networks apart: their plan and every number in them, however it is stored."""
    found = hashlib.blake2b(signature(blueprint.plan).encode(), digest_size=8)
    for name in sorted(blueprint.arrays):
        found.update(name.encode())
        found.update(blueprint.arrays[name].detach().cpu().double().contiguous().numpy().tobytes())
    return found.hexdigest()


def fresh_seed(seed: int, purpose: str) -> int:
    """A seed for other fault maps than those of `seed`: none of them is one of theirs."""
    digest = hashlib.blake2b(f"{seed}\0{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 32
