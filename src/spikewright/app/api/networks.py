"""Convert, verify, evaluate, compare, calibrate, check, and engines by name.

    network = sw.convert(model, loader, method="exact", timesteps=4)
    print(sw.verify(network, model, loader))

`convert`, `verify`, `evaluate`, `compare` and `calibrate` raise BadSetting where float32 products keep fewer bits than
float32 has: by a variable of oneDNN's, a switch of PyTorch's, or autocast.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.ends import real
from spikewright.ann.source import Source
from spikewright.app.api.given import (
    Inputs,
    Labelled,
    blueprint_of,
    inputs_of,
    known_fields,
    labelled_of,
    method_of,
    names_of,
    source_of,
    with_names,
    with_source,
)
from spikewright.app.registry import configure, find
from spikewright.conversion import convert as conversion
from spikewright.conversion.calibrators import Calibrator
from spikewright.conversion.methods import Method
from spikewright.conversion.observe import observe
from spikewright.conversion.stages.stage import stage
from spikewright.engines.names import engine_named
from spikewright.engines.network import SpikingNetwork, build
from spikewright.engines.precision import require_float32
from spikewright.engines.runtimes import Runner
from spikewright.errors import BadData, Obstacle, UnsupportedModule
from spikewright.measure import evaluation
from spikewright.measure.equality import certificate as verification
from spikewright.measure.equality.certificate import Certificate
from spikewright.measure.evaluation import Evaluation
from spikewright.measure.samples import EvaluateSettings, Prepared, batches
from spikewright.measure.scoring import Score, score
from spikewright.snn.blueprint import Blueprint


def convert(
    model: nn.Module | Source,
    loader: Inputs | None = None,
    *,
    method: str | Method = "exact",
    calibrators: Sequence[str | Calibrator] = (),
    calibration: int = 512,
    **settings: Any,
) -> SpikingNetwork:
    """Convert a trained network to a spiking one.

    Args:
        model: a module, which is captured, or what `capture` or training made; neither is changed.
        loader: calibration inputs; needed where the method takes thresholds from data, by calibrators, and to capture.
        method: its name, with `settings` such as `timesteps=4`; or one of `sw.methods`.
        calibrators: what to do to the network afterwards: "gradient", or `sw.Gradient()`.
        calibration: how many inputs to look at, at most.
        settings: of a method given by its name.

    Raises:
        UnsupportedModule: parts of the model have no spiking equivalent; each is named with the way out.
        BadSetting: a method or setting that there is not, or inputs are needed and there are none.
    """
    require_float32()
    chosen = method_of(method, settings)
    applied = [_calibrator(each) for each in calibrators]
    source, given = with_source(model, loader)
    seen = None if given is None else list(inputs_of(given, names=names_of(source), limit=calibration))
    return build(conversion.convert(source, chosen, seen, calibrators=applied))


def calibrate(
    network: SpikingNetwork | Blueprint,
    source: nn.Module | Source,
    loader: Inputs,
    *,
    calibrator: str | Calibrator = "gradient",
    calibration: int = 512,
) -> SpikingNetwork:
    """Bring a converted network closer to its source on unlabelled inputs, weights frozen; never further from it.

    Args:
        network: it is not changed.
        source: what it was converted from.
        loader: calibration inputs.
        calibrator: a file of `conversion/calibrators` by name, or an object such as `sw.Gradient(epochs=2)`.
        calibration: how many inputs to look at, at most.
    """
    require_float32()
    blueprint = blueprint_of(network)
    seen = list(inputs_of(loader, names=names_of(blueprint), limit=calibration))
    made = source if isinstance(source, Source) else source_of(source, seen)
    return build(_calibrator(calibrator)(blueprint, made, seen))


def verify(
    network: SpikingNetwork | Blueprint, source: nn.Module | Source, loader: Inputs, *, limit: int | None = None
) -> Certificate:
    """Certify every integer code of a network against its quantised source, on both engines, in float64."""
    require_float32()
    blueprint = blueprint_of(network)
    # as they come: a loader may be larger than memory
    batches = inputs_of(loader, names=names_of(blueprint), limit=limit, batch_size=64)
    first = next(batches, None)
    if first is None:
        raise BadData("verify needs at least one input, got none: give a loader that is not empty")
    made = source if isinstance(source, Source) else source_of(source, [first])
    return verification.verify(blueprint, made, chain([first], batches))


def evaluate(
    network: SpikingNetwork | Blueprint,
    source: nn.Module | Source | None,
    samples: Labelled,
    *,
    settings: EvaluateSettings | None = None,
    **changed: Any,
) -> Evaluation:
    """Accuracy, equality, spikes, energy, memory and speed on labelled samples.

    Args:
        network: what is measured.
        source: what it was converted from; None for a directly trained network.
        samples: (inputs, labels), or a loader of such batches; inputs are prepared already and may be of any kind.
        settings: how; `changed` are fields of it, such as `engine="int8"`.
        changed: fields of `EvaluateSettings`.
    """
    how = replace(settings or EvaluateSettings(), **known_fields(changed, EvaluateSettings))
    require_float32(how.place)
    blueprint = blueprint_of(network)
    given = with_names(labelled_of(samples), names_of(blueprint))
    made = None if source is None else source_of(source, [given.inputs])
    return evaluation.evaluate(blueprint, made, given, how)


class Compared(NamedTuple):
    """One row of a comparison."""

    method: str
    timesteps: int
    score: Score
    network: SpikingNetwork


def compare(
    model: nn.Module | Source,
    samples: Labelled,
    *,
    methods: Sequence[str] = ("exact", "qcfs"),
    timesteps: Sequence[int] = (1, 2, 4, 8),
    loader: Inputs | None = None,
    energy_table: str = "horowitz_int32",
) -> list[Compared]:
    """One network by several methods at several T: accuracy, spikes, latency and energy of each.

    Args:
        model: a module or a captured source.
        samples: what accuracies are read on; choose by validation samples, report on test samples.
        methods: names of `sw.methods`' files.
        timesteps: T of each row.
        loader: calibration inputs; the inputs of `samples` if not given.
        energy_table: constants for energies.
    """
    require_float32()
    given: Prepared = labelled_of(samples)
    source, seen_by = with_source(model, given.inputs if loader is None else loader)
    given, rows = with_names(given, names_of(source)), list[Compared]()
    given = Prepared(real(source.inputs, given.inputs), given.labels)
    seen = list(inputs_of(given.inputs if loader is None else seen_by, names=names_of(source), limit=512))
    statistics = observe(source, seen)  # once for all rows
    for name in methods:
        for steps in timesteps:
            method = method_of(name, {"timesteps": steps})
            blueprint = conversion.convert(source, method, seen, statistics=statistics)
            found = score(blueprint, source, batches(given), table=energy_table)
            rows.append(Compared(name, steps, found, build(blueprint)))
    return rows


def check(model: nn.Module, example: Any) -> tuple[Obstacle, ...]:
    """Everything in the way of converting a module, each with its place and the way out; empty if it converts."""
    try:
        stage(capture(model, example))
    except UnsupportedModule as refusal:
        return refusal.obstacles or (Obstacle(type(model).__name__, str(refusal), "", ""),)
    return ()


def engine(network: SpikingNetwork | Blueprint, name: str) -> Runner:
    """A network made ready by an engine: "float", "float64", "int8" or "packed".

    "int8" rounds weights that are not stored as integers to 8 bits.

    Raises:
        BadSetting: no engine of that name.
        SpikewrightError: it cannot run this network; the message says what stands in the way.
    """
    return engine_named(name)(blueprint_of(network)).runner


def _calibrator(given: str | Calibrator) -> Calibrator:
    return configure(find("calibrators", given), {}) if isinstance(given, str) else given
