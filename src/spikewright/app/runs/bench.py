"""Time, memory and energy of a run's network in every engine, beside the network that it was made of.

Times are medians of paired rounds on this machine (`measure/speed/side_by_side.py`) and say nothing of spiking
hardware.
Energy is that of the arithmetic by a published table of one operation's energy: the same spikes, whatever simulates
them; 32-bit numbers for floating point, 8-bit ones where the engine multiplies bytes.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.data.progress import Progress
from spikewright.engines.names import engine_named, engines
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.engines.runtimes import Runner, Running
from spikewright.errors import BadData, BadSetting, SpikewrightError
from spikewright.interchange import run_folder as folder
from spikewright.measure.cost.fan_out import fan_out
from spikewright.measure.cost.memory import memory_bytes
from spikewright.measure.cost.synops import Counts
from spikewright.measure.scoring import figures, score_batch
from spikewright.measure.speed.machine import processor
from spikewright.measure.speed.side_by_side import Timing, side_by_side
from spikewright.snn.blueprint import Blueprint

SOURCE = "source"
_LEAST_THREADS = 16  # may be asked for on any machine
_TABLE = "horowitz_fp32"
_TABLES = {8: "horowitz_int8", 32: _TABLE}  # by the bits that an engine multiplies in


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRow:
    """One engine's figures; None is what cannot be known, and `obstacle` says why it did not run.

    Attributes:
        engine: `source` (the trained network, float32), or a name of `engines/runtimes/`.
        arithmetic: what it computes in.
        milliseconds: median of a batch.
        ratio: median of its time by that of the first row that ran, in the same round.
        samples_per_second: batch by median time.
        codes_that_differ: from those of float64, over all stages and the batch.
        weight_bytes: of its weights as this engine takes them.
        membrane_bytes_peak: of the largest stage, one sample, step by step, at 32 bits; None for the source.
        energy_table: where its energy is from.
        energy_joules: of the arithmetic of one sample.
    """

    engine: str
    arithmetic: str | None = None
    milliseconds: float | None = None
    ratio: float | None = None
    samples_per_second: float | None = None
    codes_that_differ: int | None = None
    weight_bytes: int | None = None
    membrane_bytes_peak: int | None = None
    energy_table: str | None = None
    energy_joules: float | None = None
    obstacle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRequest:
    """What to time, and how often.

    Attributes:
        run: folder of a converted or directly trained network.
        data: a name, folder or hub id; None takes the run's own.
        images: how images are prepared.
        batch: images at once.
        rounds: how often each engine is timed.
        threads: of PyTorch, while it is timed; None: as many as it takes.

    Raises:
        BadSetting: a number below 1, or more threads than the machine has a use for.
    """

    run: Path
    data: str | None = None
    images: ImageSettings = field(default_factory=ImageSettings)
    batch: int = 64
    rounds: int = 15
    threads: int | None = None

    def __post_init__(self) -> None:
        for name, number in (("threads", self.threads), ("batch", self.batch), ("rounds", self.rounds)):
            if number is not None and number < 1:
                raise BadSetting(f"bench: --{name} is {number}, but must be at least 1")
        most = max(_LEAST_THREADS, 4 * (os.cpu_count() or 1))
        if self.threads is not None and self.threads > most:
            raise BadSetting(f"bench: --threads is {self.threads:.6g}: this machine runs {most} at most")


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """A row an engine, and under what conditions."""

    run: str
    batch: int
    rounds: int
    codes: int
    processor: dict[str, str]
    rows: tuple[EngineRow, ...]

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        return asdict(self)


def run(request: BenchRequest, *, on_progress: Progress | None = None) -> BenchResult:  # noqa: ARG001
    """Run one batch of test images through every engine that can; nothing is told while a clock runs.

    Raises:
        BadSetting: no data that the run or the request names.
        BadData: fewer test images than a batch.
        SpikewrightError: as loading the run and the data does.
    """
    settle_arithmetic()
    x, labels, blueprint, source = _batch(request)
    with _threads(request.threads), torch.inference_mode():
        rows, codes = _rows(blueprint, source, x, labels, request.rounds)
        found = processor()
    return BenchResult(
        run=str(request.run), batch=request.batch, rounds=request.rounds, codes=codes, processor=found, rows=tuple(rows)
    )


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(count or before)
        yield
    finally:
        torch.set_num_threads(before)


def _batch(request: BenchRequest) -> tuple[Tensor, Tensor, Blueprint, Source | None]:
    """Test images with their labels, the network that takes them, and its source if it has one."""
    blueprint, about = folder.load_blueprint(request.run)
    if acquire.is_spiking_run(request.run):
        source, loaded = (
            None,
            acquire.spiking_data(request.run, blueprint.plan, about, data=request.data, images=request.images),
        )
    else:
        source, loaded, _ = acquire.of_run(request.run, data=request.data, images=request.images)
    if loaded is None:
        raise BadSetting(f"bench: run {request.run} does not say what data it was made with: give --data")
    pairs = acquire.labelled(loaded.test, loaded, limit=request.batch, batch_size=request.batch)
    if not pairs or len(pairs[0][0]) < request.batch:
        raise BadData(f"bench: the test split holds fewer than {request.batch} images: give a smaller --batch")
    return *pairs[0], blueprint, source


def _rows(
    blueprint: Blueprint, source: Source | None, x: Tensor, labels: Tensor, rounds: int
) -> tuple[list[EngineRow], int]:
    ready, missing = _engines(blueprint)
    runs: dict[str, Callable[[], object]] = {}
    if source is not None:
        arrays = {name: array.float() for name, array in source.arrays.items()}
        runs[SOURCE] = lambda: interpreter.run(source, x.float(), arrays=arrays)
    for name, (runner, _) in ready.items():
        given = x.to(engine_named(name).dtype)
        runs[name] = lambda runner=runner, given=given: runner(given)
    times = side_by_side(runs, against=next(iter(runs)), rounds=rounds)
    truth = {r.node.name: r.codes for r in build(blueprint, dtype=torch.float64).collapse(x.double())}
    codes = sum(truth[node.name].numel() for node in blueprint.plan.stages)
    energies = _energies(blueprint, source, x, labels)
    rows = [] if source is None else [_source_row(blueprint, times[SOURCE], len(x), energies)]
    for name in engines():
        if name in missing:
            rows.append(EngineRow(engine=name, obstacle=missing[name]))
            continue
        runner, arithmetic = ready[name]
        table = _TABLES[engine_named(name).bits]
        rows.append(
            EngineRow(
                engine=name,
                arithmetic=arithmetic,
                **_timed(times[name], len(x)),
                codes_that_differ=_differing(runner, x.to(engine_named(name).dtype), truth),
                weight_bytes=_weight_bytes(name, blueprint),
                membrane_bytes_peak=memory_bytes(blueprint).membrane_bytes_peak,
                energy_table=table,
                energy_joules=energies[table]["energy_joules_snn"],
            )
        )
    return rows, codes


def _engines(blueprint: Blueprint) -> tuple[dict[str, Running], dict[str, str]]:
    """The engines that can run it, and why the others cannot."""
    ready: dict[str, Running] = {}
    missing: dict[str, str] = {}
    for name in engines():
        try:
            ready[name] = engine_named(name)(blueprint)
        except SpikewrightError as reason:
            missing[name] = str(reason)
    return ready, missing


def _source_row(blueprint: Blueprint, timing: Timing, batch: int, energies: dict[str, Any]) -> EngineRow:
    numbers = sum(
        array.numel()
        for name, array in blueprint.stored_arrays.items()
        if name.endswith(".weight") and ".before" not in name
    )
    return EngineRow(
        engine=SOURCE,
        arithmetic="float32",
        **_timed(timing, batch),
        weight_bytes=4 * numbers,
        energy_table=_TABLE,
        energy_joules=energies[_TABLE]["energy_joules_source"],
    )


def _timed(timing: Timing, batch: int) -> dict[str, Any]:
    return {
        "milliseconds": timing.milliseconds,
        "ratio": timing.ratio,
        "samples_per_second": 1000 * batch / timing.milliseconds,
    }


def _energies(blueprint: Blueprint, source: Source | None, x: Tensor, labels: Tensor) -> dict[str, Any]:
    """The figures of this batch, by energy table."""
    counts, flow = Counts.empty(blueprint.plan), fan_out(blueprint)
    _, counts = score_batch(build(blueprint), x.float(), labels, counts)
    tables = {*_TABLES.values()}
    return {table: figures(blueprint, source, flow, counts, table=table) for table in tables}


def _weight_bytes(name: str, blueprint: Blueprint) -> int:
    """Weights as the engine keeps them."""
    bits = engine_named(name).weight_bits
    if bits >= 32:
        numbers = (a for n, a in blueprint.stored_arrays.items() if n.endswith(".weight") and ".before" not in n)
        return bits // 8 * sum(array.numel() for array in numbers)
    return memory_bytes(blueprint, weight_bits=bits).weight_bytes


def _differing(runner: Runner, x: Tensor, truth: dict[str, Tensor]) -> int:
    return sum(
        int((record.codes.double() != truth[record.node.name]).sum())
        for record in runner.collapse(x)
        if isinstance(record, StageRecord)
    )
