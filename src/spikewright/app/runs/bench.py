"""Time, memory and energy of a run's network in every engine, beside the network that it was made of.

Times are medians of paired rounds on this machine (`measure/speed/side_by_side.py`) and say nothing of spiking
hardware; ratios are those of the medians.
Energy is that of the arithmetic by one published table, as in every other verb: the same spikes, whatever simulates
them.
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
from spikewright.measure.cost.energy import energy_table
from spikewright.measure.cost.fan_out import fan_out
from spikewright.measure.cost.memory import memory_bytes
from spikewright.measure.cost.synops import Counts
from spikewright.measure.scoring import figures, score_batch
from spikewright.measure.speed.machine import processor
from spikewright.measure.speed.side_by_side import Timing, side_by_side
from spikewright.snn.blueprint import Blueprint

SOURCE = "source"
_LEAST_THREADS = 16  # may be asked for on any machine


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRow:
    """One engine's figures; None is what cannot be known, and `obstacle` says why it did not run.

    Attributes:
        engine: `source` (the trained network, float32), or a name of `engines/runtimes/`.
        arithmetic: what it computes in.
        milliseconds: median of a batch.
        ratio: its milliseconds by those of the first row that ran.
        ratio_in_round: median of the same over the rounds, each by itself; far from `ratio` where the machine was busy.
        samples_per_second: batch by median time.
        codes_that_differ: from those of float64, over all stages and the batch.
        weight_bytes: of its weights as this engine takes them.
        membrane_bytes_peak: of the largest stage, one sample, step by step, at 32 bits; None for the source.
        energy_table: where its energy is from; the same in all rows, and as in every other verb.
        energy_joules: of the arithmetic of one sample, mean over the batch.
    """

    engine: str
    arithmetic: str | None = None
    milliseconds: float | None = None
    ratio: float | None = None
    ratio_in_round: float | None = None
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
        energy_table: a name of `measure.cost.energy.TABLES`.

    Raises:
        BadSetting: a number below 1, more threads than the machine has a use for, or no such table.
    """

    run: Path
    data: str | None = None
    images: ImageSettings = field(default_factory=ImageSettings)
    batch: int = 64
    rounds: int = 15
    threads: int | None = None
    energy_table: str = "horowitz_int32"

    def __post_init__(self) -> None:
        energy_table(self.energy_table)
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
        rows, codes = _rows(request, blueprint, source, x, labels)
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
        source = None
        loaded = acquire.spiking_data(request.run, blueprint.plan, about, data=request.data, images=request.images)
    else:
        source, loaded, _ = acquire.of_run(request.run, data=request.data, images=request.images)
    if loaded is None:
        raise BadSetting(f"bench: run {request.run} does not say what data it was made with: give --data")
    pairs = acquire.labelled(loaded.test, loaded, limit=request.batch, batch_size=request.batch)
    if not pairs or len(pairs[0][0]) < request.batch:
        raise BadData(f"bench: the test split holds fewer than {request.batch} images: give a smaller --batch")
    return *pairs[0], blueprint, source


def _rows(
    request: BenchRequest, blueprint: Blueprint, source: Source | None, x: Tensor, labels: Tensor
) -> tuple[list[EngineRow], int]:
    ready, missing = _engines(blueprint)
    runs: dict[str, Callable[[], object]] = {}
    if source is not None:
        arrays = {name: array.float() for name, array in source.arrays.items()}
        runs[SOURCE] = lambda: interpreter.run(source, x.float(), arrays=arrays)
    for name, (runner, _) in ready.items():
        given = x.to(engine_named(name).dtype)
        runs[name] = lambda runner=runner, given=given: runner(given)
    times = side_by_side(runs, against=next(iter(runs)), rounds=request.rounds)
    base = times[next(iter(runs))].milliseconds
    truth = {r.node.name: r.codes for r in build(blueprint, dtype=torch.float64).collapse(x.double())}
    codes = sum(truth[node.name].numel() for node in blueprint.plan.stages)
    energies = _energies(blueprint, source, x, labels, request.energy_table)
    timed = {name: _timed(timing, len(x), base) for name, timing in times.items()}
    rows = [] if source is None else [_source_row(blueprint, timed[SOURCE], energies)]
    for name in engines():
        if name in missing:
            rows.append(EngineRow(engine=name, obstacle=missing[name]))
            continue
        runner, arithmetic = ready[name]
        rows.append(
            EngineRow(
                engine=name,
                arithmetic=arithmetic,
                **timed[name],
                codes_that_differ=_differing(runner, x.to(engine_named(name).dtype), truth),
                weight_bytes=_weight_bytes(name, blueprint),
                membrane_bytes_peak=memory_bytes(blueprint).membrane_bytes_peak,
                energy_table=request.energy_table,
                energy_joules=energies["energy_joules_snn"],
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


def _source_row(blueprint: Blueprint, timed: dict[str, Any], energies: dict[str, Any]) -> EngineRow:
    numbers = sum(
        array.numel()
        for name, array in blueprint.stored_arrays.items()
        if name.endswith(".weight") and ".before" not in name
    )
    return EngineRow(
        engine=SOURCE,
        arithmetic="float32",
        **timed,
        weight_bytes=4 * numbers,
        energy_table=energies["energy_table"],
        energy_joules=energies["energy_joules_source"],
    )


def _timed(timing: Timing, batch: int, base: float) -> dict[str, Any]:
    return {
        "milliseconds": timing.milliseconds,
        "ratio": timing.milliseconds / base,
        "ratio_in_round": timing.ratio,
        "samples_per_second": 1000 * batch / timing.milliseconds,
    }


def _energies(blueprint: Blueprint, source: Source | None, x: Tensor, labels: Tensor, table: str) -> dict[str, Any]:
    """The figures of this batch."""
    counts, flow = Counts.empty(blueprint.plan), fan_out(blueprint)
    _, counts = score_batch(build(blueprint), x.float(), labels, counts)
    return figures(blueprint, source, flow, counts, table=table)


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
