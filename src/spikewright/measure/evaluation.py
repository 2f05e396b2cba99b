"""Evaluate a spiking network on a test split: accuracy, equality, spikes, energy, memory, speed.

Codes are certified in float64 on the first `codes_images` images. Accuracies are read, and spikes counted, in
one pass with the collapsed engine, in float64 where that is affordable (`FLOAT64_MACS`), so that the network
and its reference agree to the last image, else in float32. Speed is then that of float32. Another engine that the
settings name (`running`) does all three, beside a reference in float64 or float32.
A network whose weights were rounded after training has no equal source: its codes are certified against its own
stepwise run, as those of a directly trained one are.
Every figure's meaning is in `spikewright.measure`; this file only gathers them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ends import Batch, in_type, moved, output_named
from spikewright.ann.source import Source
from spikewright.data.progress import Progress, silent
from spikewright.engines.names import engine_named
from spikewright.engines.network import SpikingNetwork, build
from spikewright.engines.record import StageRecord
from spikewright.engines.runtimes import Runner
from spikewright.measure.accuracy import ByClass, correct, output_of, surely_above
from spikewright.measure.cost.fan_out import FanOut, fan_out
from spikewright.measure.cost.synops import Counts
from spikewright.measure.equality import certificate as verification
from spikewright.measure.equality.quantised_source import QuantisedSource
from spikewright.measure.samples import AnyPreparation, EvaluateSettings, Prepared, Samples, TestData, samples_for
from spikewright.measure.scoring import figures, score_batch
from spikewright.measure.speed.throughput import SPEED_BATCHES, samples_per_second
from spikewright.snn.blueprint import Blueprint

FLOAT64_MACS = 1e11  # above this many multiplications in all, accuracies are read in float32
VERIFY_BATCH = 64  # the stepwise engine holds T times as much


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The figures of one network; accuracies are shares 0..1, None is what cannot be known.

    Without a source (a directly trained network) the reference is the network's own stepwise run; with stored weights
    codes are compared with that run as well, and `accuracy_reference` is the source's at these levels, weights whole.
    """

    accuracy_source: float | None  # the network as trained
    accuracy_reference: float  # the source quantised to these levels
    levels_reference: int | tuple[int, ...] | None  # one number if all stages have the same
    accuracy_snn: float
    accuracy_balanced: float  # of the spiking network: mean over the classes that have images
    accuracy_by_class: tuple[float | None, ...]
    accuracy_constant: float  # what always answering the commonest class gets
    mismatched_codes: int  # of both engines, in float64
    codes_total: int  # compared by each
    timesteps_mean: float
    timesteps_mean_neurons: float
    latency_steps: int
    spikes_per_neuron: float
    input_spikes_per_sample: float
    synops_per_sample: float
    synops_hidden_per_sample: float
    macs_per_sample: int
    macs_source_per_sample: int
    leak_multiplications_per_sample: int  # of membranes, one a neuron and step
    leak_shifts_per_sample: int  # the same, where the leak is a power of two
    energy_table: str
    energy_joules_source: float
    energy_joules_snn: float
    weight_bytes: int
    membrane_bytes_peak: int
    membrane_bytes_all: int
    dead_stages: int  # stages without a spike in the whole run
    samples: int
    samples_per_second: float
    engine: str
    arithmetic: str
    codes_images: int
    mismatched_codes_engine: int  # of the engine and arithmetic that accuracies were read with
    codes_compared_with: str  # "source": the quantised source; "stepwise": the network's own stepwise run, in float64
    weight_bits: tuple[int, ...]  # of stored integer weights, those that occur; none: all are floating point
    graded_nodes: tuple[str, ...] = ()  # that are not linear: gates, norms, softmax, maxima of values
    graded_multiplications_per_sample: int = 0  # of theirs; products of two signals are among `macs_per_sample`
    graded_additions_per_sample: int = 0
    graded_comparisons_per_sample: int = 0
    graded_divisions_per_sample: int = 0
    graded_roots_per_sample: int = 0
    graded_exponentials_per_sample: int = 0

    @property
    def gains_nothing(self) -> str | None:
        """Why its energy is no gain, whatever it is, in words; None where it may be one."""
        if not self.spikes_per_neuron:
            return "nothing fires"
        if self.accuracy_snn <= self.accuracy_constant:
            return f"accuracy is not above the {self.accuracy_constant:.2%} of one answer for all"
        if not surely_above(self.accuracy_snn, self.accuracy_constant, samples=self.samples):
            return f"{self.samples:,} images do not show accuracy above the {self.accuracy_constant:.2%} of one answer"
        return None

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def evaluate(
    blueprint: Blueprint,
    source: Source | None,
    data: TestData | Prepared,
    settings: EvaluateSettings | None = None,
    *,
    preparation: AnyPreparation | None = None,
    on_progress: Progress = silent,
) -> Evaluation:
    """Evaluate a network on the test split; nothing is chosen by it.

    Args:
        blueprint: the network.
        source: what it was converted from, or None for a directly trained network.
        data: holds the test split: images, or inputs that are prepared already.
        settings: see `EvaluateSettings`.
        preparation: how images become inputs, if not as the source says.
        on_progress: called with (what is done, done, total) as images pass.

    Raises:
        BadData: no input preparation, images or labels that do not fit the network, or no images.
        BadPlan: the blueprint does not belong to this source.

    """
    settings = settings or EvaluateSettings()
    inputs = samples_for(blueprint, source, data, settings, preparation)
    flow = fan_out(blueprint)
    affordable = flow.macs_dense_per_sample * inputs.count <= FLOAT64_MACS
    dtype = torch.float64 if settings.engine != "float" and affordable else torch.float32
    engine = _engine(blueprint, settings, dtype)
    return _evaluation(blueprint, source, inputs, engine, flow, on_progress)


def require_engine(blueprint: Blueprint, settings: EvaluateSettings) -> None:
    """Refuse an engine that cannot run the network, before any images are there.

    Raises:
        SpikewrightError: as the engine says.
    """
    if settings.engine not in ("auto", "float"):
        _ = engine_named(settings.engine)(blueprint)


class _Engine(NamedTuple):
    """What is evaluated: a runner, its name, and its arithmetic in words."""

    runner: Runner
    dtype: torch.dtype  # of the inputs it is given
    reference: torch.dtype  # that its reference computes in
    name: str
    arithmetic: str


def _engine(blueprint: Blueprint, settings: EvaluateSettings, reference: torch.dtype) -> _Engine:
    """The engine that the settings name; "auto" and "float" are the collapsed one, in the reference's type."""
    if settings.engine in ("auto", "float"):
        made = engine_named("float64" if reference is torch.float64 else "float")(blueprint)
        return _Engine(made.runner, reference, reference, "float", made.arithmetic)
    engine = engine_named(settings.engine)
    made = engine(blueprint)
    return _Engine(made.runner, engine.dtype, reference, settings.engine, made.arithmetic)


def _evaluation(
    blueprint: Blueprint, source: Source | None, inputs: Samples, engine: _Engine, flow: FanOut, on_progress: Progress
) -> Evaluation:
    bits = blueprint.weight_bits
    with torch.no_grad():
        codes = _certify(blueprint, None if bits else source, inputs, engine, on_progress)
        scores = _score(blueprint, source, inputs, engine, on_progress)
        speed = _speed(blueprint, inputs, engine, on_progress)
    return Evaluation(
        accuracy_source=None if source is None else scores.source / inputs.count,
        accuracy_reference=scores.reference / inputs.count,
        levels_reference=_levels(blueprint),
        accuracy_snn=sum(scores.by_class.right) / inputs.count,
        accuracy_balanced=scores.by_class.balanced,
        accuracy_by_class=scores.by_class.shares,
        accuracy_constant=scores.by_class.constant,
        samples=inputs.count,
        samples_per_second=speed,
        engine=engine.name,
        arithmetic=engine.arithmetic,
        codes_compared_with="stepwise" if bits or source is None else "source",
        weight_bits=bits,
        mismatched_codes=codes.mismatched,
        codes_total=codes.total,
        codes_images=codes.images,
        mismatched_codes_engine=codes.mismatched_engine,
        **figures(blueprint, source, flow, scores.counts, table=inputs.settings.energy_table),
    )


def _levels(blueprint: Blueprint) -> int | tuple[int, ...] | None:
    """Of all stages; one number if all have the same, None if there are no stages."""
    levels = tuple(node.firing.code.levels for node in blueprint.plan.stages)
    return (levels[0] if len(set(levels)) == 1 else levels) if levels else None


def _speed(blueprint: Blueprint, inputs: Samples, engine: _Engine, on_progress: Progress) -> float:
    """Samples a second; of the collapsed engine always in float32."""
    settings = inputs.settings
    own = engine.name == "float"
    network = build(blueprint, dtype=torch.float32).to(settings.place) if own else engine.runner
    first = (
        moved(x, settings.place, torch.float32 if own else engine.dtype)
        for x, _ in inputs.batches(settings.batch_size * SPEED_BATCHES)
    )
    return samples_per_second(network, first, on_progress=on_progress)


# Codes ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Codes:
    images: int
    total: int
    mismatched: int
    mismatched_engine: int


def _certify(
    blueprint: Blueprint, source: Source | None, inputs: Samples, engine: _Engine, on_progress: Progress
) -> _Codes:
    """Compare codes in float64, and those of the engine in its own arithmetic, on the first images."""
    images = min(inputs.settings.codes_images, inputs.count)

    def batches() -> Iterator[Batch]:
        done = 0
        for x, _ in inputs.batches(images):
            for part in x.split(VERIFY_BATCH):
                yield part
                done += len(part)
                on_progress("codes", done, images)

    exact, dtype = build(blueprint, dtype=torch.float64), engine.dtype
    if source is None:
        wrong = total = wrong_engine = 0
        for x in batches():
            codes = {record.node.name: record.codes for record in exact.walk(in_type(x, torch.float64))}
            total += sum(codes[node.name].numel() for node in blueprint.plan.stages)
            wrong += _mismatches(exact, in_type(x, torch.float64), codes)
            wrong_engine += _mismatches(engine.runner, in_type(x, dtype), codes)
        return _Codes(images=images, total=total, mismatched=wrong, mismatched_engine=wrong_engine)
    found = verification.verify(blueprint, source, batches())
    if dtype is torch.float64:
        wrong_engine = found.mismatched_codes_collapsed
    else:
        reference = QuantisedSource(blueprint, source, torch.float64)
        wrong_engine = sum(_mismatches(engine.runner, in_type(x, dtype), reference.codes(x)) for x in batches())
    return _Codes(
        images=images,
        total=found.codes_total,
        mismatched=found.mismatched_codes,
        mismatched_engine=wrong_engine,
    )


def _mismatches(network: Runner, x: Batch, codes: Mapping[str, Tensor]) -> int:
    fired = (record for record in network.collapse(x) if isinstance(record, StageRecord))
    return sum(int((record.codes.double() != codes[record.node.name]).sum()) for record in fired)


# Accuracy --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Scores:
    counts: Counts
    source: int = 0
    reference: int = 0
    by_class: ByClass = field(default_factory=ByClass)  # of the spiking network


def _score(
    blueprint: Blueprint, source: Source | None, inputs: Samples, engine: _Engine, on_progress: Progress
) -> _Scores:
    """One pass over the images: who is right how often, and who spikes how often."""
    place, dtype = inputs.settings.place, engine.reference
    network: Runner = engine.runner.to(place) if isinstance(engine.runner, SpikingNetwork) else engine.runner
    stepwise = build(blueprint, dtype=dtype).to(place) if source is None else None
    reference = None if source is None else QuantisedSource(blueprint, source, dtype, device=place)
    scores = _Scores(Counts.empty(blueprint.plan))
    shapes = {name: node.shape for name, node in blueprint.plan.outputs.items()}
    output = output_of(shapes, inputs.settings.output, "evaluate")
    done = 0
    for prepared, truth in inputs.batches():
        x, labels = moved(prepared, place, dtype), truth.to(place)
        if source is None or reference is None:
            assert stepwise is not None
            answers = {one.output: one.codes for one in stepwise.walk(x)}
            scores.reference += correct(answers[output], labels)
        else:
            trained = interpreter.run(source, x, arrays=reference.arrays)
            scores.source += correct(output_named(trained, output), labels)
            scores.reference += correct(output_named(reference.scores(x), output), labels)
        right, scores.counts = score_batch(network, in_type(x, engine.dtype), labels, scores.counts, output)
        scores.by_class = scores.by_class.add(right, labels)
        done += len(x)
        on_progress("accuracy", done, inputs.count)
    return scores
