"""Compare conversion methods and timesteps on one source: a row for each, kept as soon as it is known.

    {out}/compare.json    the rows, and what they are rows of; a comparison that was interrupted goes on from it
    {out}/compare.html    accuracy against timesteps and against energy
Accuracies are read on the test split if no other is asked for; nothing is chosen by them. The source and the methods
that claim to equal it are computed in float64, where the claim holds to the last image; the others in float32.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from spikewright.ann.source import Source
from spikewright.app.pages.comparison import ComparisonRow, write_comparison
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.app.runs.convert import chosen
from spikewright.conversion.convert import convert
from spikewright.conversion.methods import Method
from spikewright.conversion.methods.exact import MOST_TIMESTEPS
from spikewright.conversion.observe import observe
from spikewright.data import ImageData
from spikewright.data.files import write_json
from spikewright.data.json_file import read_json
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadData, BadFile, BadSetting
from spikewright.interchange.claim import claimed
from spikewright.measure.cost.energy import energy_table
from spikewright.measure.scoring import accuracy_of_source, score

FORMAT = 2  # 1: all rows were of float32
ROWS, PAGE = "compare.json", "compare.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRequest:
    """What to compare.

    Attributes:
        run: folder of a trained source.
        methods: names, each with settings if need be: `qcfs`, `qcfs:alignment=average`, `cos:rounds=3`.
        timesteps: T of each row.
        data: a name, folder or hub id; None takes the run's own.
        out: folder for the rows and the page; None makes `{run}/compare`.
        split: what accuracies are read on.
        samples: images of it, the first ones; None takes all.
        calibration: training images that thresholds and calibrators look at.
        energy_table: a name of `measure.cost.energy.TABLES`.
        images: how images are prepared.
    """

    run: Path
    methods: tuple[str, ...]
    timesteps: tuple[int, ...]
    data: str | None = None
    out: Path | None = None
    split: str = "test"
    samples: int | None = None
    calibration: int = 512
    energy_table: str = "horowitz_int32"
    images: ImageSettings = field(default_factory=ImageSettings)

    def __post_init__(self) -> None:
        if not self.methods or not self.timesteps:
            raise BadSetting("compare: give at least one method and one number of timesteps")
        for name, number in (("images", self.samples), ("calibration", self.calibration)):
            if number is not None and number < 1:
                raise BadSetting(f"compare: {name} must be at least 1, got {number}")
        for spec, steps in self.wanted:
            method_of(spec, steps)
        if not self.wanted:
            raise BadSetting(f"compare: exact takes at most {MOST_TIMESTEPS} timesteps: give fewer, or another method")
        energy_table(self.energy_table)
        acquire.require_split(self.split)

    @property
    def wanted(self) -> list[tuple[str, int]]:
        """Method and T of each row; exact has none above its most timesteps."""
        pairs = [(spec, steps) for spec in self.methods for steps in self.timesteps]
        return [(spec, steps) for spec, steps in pairs if spec.partition(":")[0] != "exact" or steps <= MOST_TIMESTEPS]

    @property
    def folder(self) -> Path:
        """Where the rows go."""
        return self.run / "compare" if self.out is None else self.out


def method_of(spec: str, timesteps: int | tuple[int, ...]) -> Method:
    """`cos:rounds=3` at T steps, or at those of each activation.

    Raises:
        BadSetting: no such method or setting.
    """
    name, *pairs = spec.split(":")
    settings: dict[str, Any] = {"timesteps": timesteps}
    for pair in pairs:
        key, mark, value = pair.partition("=")
        if not mark:
            raise BadSetting(f"compare: {spec!r}: {pair!r} is not key=value, as in cos:rounds=3")
        settings[key.strip().replace("-", "_")] = value.strip()
    return chosen(name, settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareResult:
    """The rows that were asked for, and where they and the page are."""

    rows: tuple[ComparisonRow, ...]
    folder: Path

    def to_json(self) -> list[dict[str, Any]]:
        """The rows as plain data."""
        return [asdict(row) for row in self.rows]


def run(request: CompareRequest, *, on_progress: Progress | None = None) -> CompareResult:
    """Fill in the rows that are missing, and write the page.

    Raises:
        SpikewrightError: as loading, conversion and calibration do, and where the folder holds another comparison.
    """
    on_progress = silent if on_progress is None else on_progress
    settle_arithmetic()
    source, data, _ = acquire.of_run(request.run, data=request.data, images=request.images)
    if data is None:
        raise BadSetting(f"compare: run {request.run} does not say what data it was made with: give --data")
    with claimed(request.folder):
        return _filled(request, source, data, on_progress)


def _filled(request: CompareRequest, source: Source, data: ImageData, on_progress: Progress) -> CompareResult:
    """Fill in and write, in a folder that is this command's alone."""
    wanted = request.wanted
    table = _Table(request, source, data)
    for index, (spec, steps) in enumerate(wanted):
        on_progress("rows", index, len(wanted))
        table.fill(spec, steps, on_progress)
    on_progress("rows", len(wanted), len(wanted))
    rows = tuple(table.rows[key] for key in wanted)
    shown = f"{request.run}, {data.name}, {table.count:,} {request.split} images; energy by {request.energy_table}"
    write_comparison(request.folder / PAGE, rows, title=f"Conversions of {request.run.name}", note=shown)
    return CompareResult(rows=rows, folder=request.folder)


class _Table:
    """The rows known so far, on disk as soon as they are."""

    def __init__(self, request: CompareRequest, source: Source, data: ImageData) -> None:
        self.request, self.source = request, source
        split = acquire.split_of(data, request.split)
        self.labelled = acquire.labelled(split, data, limit=request.samples)
        self.count = sum(len(x) for x, _ in self.labelled)
        self.batches = acquire.inputs(data.train, data, limit=request.calibration, seed=request.images.seed)
        self.identity = {
            "format": FORMAT, "source": acquire.digest(source), "data": data.fingerprint, "split": request.split,
            "images": self.count, "calibration": request.calibration, "seed": request.images.seed,
            "energy_table": request.energy_table,
        }  # fmt: skip
        if request.images.given:
            self.identity["preparation"] = repr(data.preparation)
        self.rows: dict[tuple[str, int], ComparisonRow] = self._known()
        self.statistics: Any = None
        self.accuracy: float | None = None

    def fill(self, spec: str, steps: int, on_progress: Progress) -> None:
        if (spec, steps) in self.rows:
            return
        if self.accuracy is None:
            self.accuracy = accuracy_of_source(self.source, self.labelled, dtype=torch.float64)
            self.statistics = observe(self.source, self.batches)
        method = method_of(spec, steps)
        blueprint = convert(self.source, method, self.batches, statistics=self.statistics)

        def seen(samples: int) -> None:
            on_progress(f"{spec}, T = {steps}", samples, self.count)

        dtype = torch.float64 if method.exact else torch.float32
        found = score(blueprint, self.source, self.labelled, table=self.request.energy_table, dtype=dtype, seen=seen)
        self.rows[spec, steps] = ComparisonRow(
            method=spec, timesteps=steps, timesteps_mean=found.timesteps_mean, latency_steps=found.latency_steps,
            accuracy_snn=found.accuracy_snn, accuracy_source=self.accuracy,
            energy_joules_snn=found.energy_joules_snn, spikes_per_neuron=found.spikes_per_neuron,
        )  # fmt: skip
        rows = [asdict(row) for row in self.rows.values()]
        write_json(self.request.folder / ROWS, {"of": self.identity, "rows": rows})

    def _known(self) -> dict[tuple[str, int], ComparisonRow]:
        path = self.request.folder / ROWS
        if not path.exists():
            return {}
        try:
            raw = read_json(path, way_out="it is damaged; delete it to begin again")
            if raw["of"] != self.identity:
                raise BadFile(
                    f"{path} holds another comparison (source, data, images, settings or the version differ): choose "
                    "another --out, or delete it"
                )
            rows = [ComparisonRow(**row) for row in raw["rows"]]
        except (KeyError, TypeError, AttributeError, BadData) as error:
            raise BadFile(f"{path} cannot be read ({error}): it is damaged; delete it to begin again") from None
        return {(row.method, int(row.timesteps or 0)): row for row in rows}
