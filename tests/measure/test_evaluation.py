"""The figures of a small converted network against each part worked out apart from `evaluate`."""

import json
from dataclasses import dataclass, fields, replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from support.reported import Verdicts
from torch import Tensor, nn

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import observe
from spikewright.conversion.quantise import quantise
from spikewright.data.preparation import InputPreparation
from spikewright.engines.lower.integer import lowered
from spikewright.engines.network import SpikingNetwork, build
from spikewright.engines.record import StageRecord
from spikewright.errors import BadData, BadSetting
from spikewright.measure.equality.quantised_source import QuantisedSource
from spikewright.measure.evaluation import EvaluateSettings, Evaluation, evaluate
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform

PREPARATION = InputPreparation(mean=(0.4,), std=(0.3,), size=None, channels=1)
CONTRACT = [
    "accuracy_source",
    "accuracy_reference",
    "levels_reference",
    "accuracy_snn",
    "accuracy_balanced",
    "accuracy_by_class",
    "accuracy_constant",
    "mismatched_codes",
    "codes_total",
    "timesteps_mean",
    "timesteps_mean_neurons",
    "latency_steps",
    "spikes_per_neuron",
    "input_spikes_per_sample",
    "synops_per_sample",
    "synops_hidden_per_sample",
    "macs_per_sample",
    "macs_source_per_sample",
    "leak_multiplications_per_sample",
    "leak_shifts_per_sample",
    "energy_table",
    "energy_joules_source",
    "energy_joules_snn",
    "weight_bytes",
    "membrane_bytes_peak",
    "membrane_bytes_all",
    "dead_stages",
    "samples",
    "samples_per_second",
    "engine",
    "arithmetic",
    "codes_images",
    "mismatched_codes_engine",
    "codes_compared_with",
    "weight_bits",
    "graded_nodes",
    "graded_multiplications_per_sample",
    "graded_additions_per_sample",
    "graded_comparisons_per_sample",
    "graded_divisions_per_sample",
    "graded_roots_per_sample",
    "graded_exponentials_per_sample",
]


@dataclass(frozen=True)
class Split:
    inputs: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Data:
    test: Split


@pytest.fixture(scope="module")
def source() -> Source:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(96, 5),
        ).eval()
    return capture(model, torch.randn(2, 1, 8, 8), preparation=PREPARATION)


@pytest.fixture(scope="module")
def data(source: Source) -> Data:
    """Images whose labels are what the source itself says, every fifth one changed."""
    generator = np.random.default_rng(5)
    images = generator.integers(0, 256, (90, 1, 8, 8), dtype=np.uint8)
    labels = interpreter.run(source, PREPARATION(torch.from_numpy(images))).argmax(1).numpy().copy()
    labels[::5] = (labels[::5] + 1) % 5
    return Data(Split(images, labels))


@pytest.fixture(scope="module")
def blueprint(source: Source, data: Data) -> Blueprint:
    return Exact(timesteps=3)(source, observe(source, [prepared(data)]))


def prepared(data: Data, images: int = 90) -> Tensor:
    return PREPARATION(torch.from_numpy(data.test.inputs[:images]))


@pytest.fixture(scope="module")
def found(blueprint: Blueprint, source: Source, data: Data) -> Evaluation:
    return evaluate(blueprint, source, data, EvaluateSettings(batch_size=40, codes_images=50))


def test_fields_are_the_contracts() -> None:
    assert [field.name for field in fields(Evaluation)] == CONTRACT


def test_json_is_finite_plain_data(found: Evaluation) -> None:
    assert json.loads(json.dumps(found.to_json(), allow_nan=False)) == found.to_json()


def test_equality_and_accuracies(found: Evaluation, blueprint: Blueprint, data: Data) -> None:
    assert (found.samples, found.codes_images, found.levels_reference) == (90, 50, 7)
    assert (found.mismatched_codes, found.mismatched_codes_engine) == (0, 0)
    assert found.codes_total == 50 * (4 * 16 + 6 * 16)
    assert (found.engine, found.arithmetic) == ("float", "float64")
    assert found.accuracy_source == 72 / 90
    network = build(blueprint, dtype=torch.float64)
    right = network(prepared(data).double()).argmax(1) == torch.from_numpy(data.test.labels)
    assert found.accuracy_snn == found.accuracy_reference == int(right.sum()) / 90
    assert found.accuracy_snn > 0.5
    labels = torch.from_numpy(data.test.labels)
    shares = [right[labels == k].double().mean().item() for k in range(int(labels.max()) + 1)]
    assert found.accuracy_by_class == pytest.approx([None if np.isnan(share) else share for share in shares])
    assert found.accuracy_balanced == pytest.approx(np.nanmean(shares))
    assert found.accuracy_constant == max((labels == k).sum().item() for k in range(5)) / 90


def test_events_and_energy(found: Evaluation, blueprint: Blueprint, data: Data) -> None:
    first = last = spikes = 0.0
    met = (blueprint.arrays["4.weight"] != 0).double()
    for record in build(blueprint, dtype=torch.float64).walk(prepared(data).double()):
        if isinstance(record, StageRecord):
            spikes += float(record.train.sum())
            train = record.train.flatten(0, 1)
            if record.node.name == "0":
                first = float(nn.functional.conv2d(train, met, padding=1).sum())
            else:
                last = float(train.sum()) * 5
    assert found.synops_per_sample == pytest.approx((first + last) / 90)
    assert found.synops_hidden_per_sample == found.synops_per_sample
    assert found.spikes_per_neuron == pytest.approx(spikes / 90 / 160)
    assert (found.input_spikes_per_sample, found.dead_stages) == (0, 0)
    assert found.macs_per_sample == 4 * 22**2
    assert found.macs_source_per_sample == 4 * 22**2 + 24 * 10**2 + 480
    assert found.energy_table == "horowitz_int32"
    assert found.energy_joules_source == pytest.approx(found.macs_source_per_sample * 3.2e-12, rel=1e-9, abs=0)
    assert found.energy_joules_snn == pytest.approx(
        found.synops_per_sample * 0.1e-12 + 4 * 22**2 * 3.2e-12, rel=1e-9, abs=0
    )


def test_energy_of_what_does_nothing_is_no_gain(found: Evaluation) -> None:
    assert found.gains_nothing is None
    assert replace(found, spikes_per_neuron=0.0).gains_nothing == "nothing fires"
    level = found.accuracy_constant
    said = replace(found, accuracy_snn=level).gains_nothing
    assert said == f"accuracy is not above the {level:.2%} of one answer for all"
    said = replace(found, accuracy_snn=level + 2 / 90).gains_nothing
    assert said == f"90 images do not show accuracy above the {level:.2%} of one answer"


def test_time_and_memory(found: Evaluation) -> None:
    assert (found.timesteps_mean, found.timesteps_mean_neurons, found.latency_steps) == (3, 3, 6)
    assert found.weight_bytes == 4 * (36 + 216 + 480)
    assert (found.membrane_bytes_peak, found.membrane_bytes_all) == (4 * 256, 4 * (256 + 96))
    assert found.samples_per_second > 0


def test_batches_do_not_matter(found: Evaluation, blueprint: Blueprint, source: Source, data: Data) -> None:
    other = evaluate(blueprint, source, data, EvaluateSettings(batch_size=7, codes_images=50))
    assert replace(other, samples_per_second=found.samples_per_second) == found


@pytest.mark.parametrize("engine", ["auto", "int8"])
def test_codes_of_every_image_of_a_large_batch_are_compared(
    engine: str, blueprint: Blueprint, source: Source, data: Data
) -> None:
    """Larger than what is compared at once, with codes that differ in its last images too."""
    x = prepared(data).double()
    network = Blueprint(blueprint.plan, {**blueprint.arrays, "4.bias": blueprint.arrays["4.bias"] * 1.1})
    found = evaluate(network, source, data, EvaluateSettings(engine=engine, batch_size=90, codes_images=90))
    assert (found.codes_images, found.codes_total) == (90, 90 * 160)
    truth = QuantisedSource(network, source, torch.float64)

    def differ(run: SpikingNetwork, first: int = 0) -> int:
        wrong = 0
        for one in x[first:].split(1):
            codes = truth.codes(one)
            for record in run.walk(one):
                if isinstance(record, StageRecord):
                    wrong += int((record.codes.double() != codes[record.node.name]).sum())
        return wrong

    exact = build(network, dtype=torch.float64)
    run = exact if engine == "auto" else build(network, lower=lowered)
    assert found.mismatched_codes == 2 * differ(exact)  # of both engines
    assert found.mismatched_codes_engine == differ(run)
    assert 0 < differ(run, 64) < differ(run)


def test_stages_that_never_fire_are_counted(blueprint: Blueprint, source: Source, data: Data) -> None:
    silent = Blueprint(
        blueprint.plan, {**blueprint.arrays, "4.bias": torch.full_like(blueprint.arrays["4.bias"], -1e3)}
    )
    assert evaluate(silent, source, data, EvaluateSettings(images=20, codes_images=5)).dead_stages == 1


def test_float32_engine_counts_its_own_mismatches(blueprint: Blueprint, source: Source, data: Data) -> None:
    shifted = {name: a - 1e-9 if name == "4.initial_potential" else a for name, a in blueprint.arrays.items()}
    settings = EvaluateSettings(engine="float", images=30)
    assert evaluate(blueprint, source, data, settings).arithmetic == "float32"
    assert evaluate(blueprint, source, data, settings).mismatched_codes_engine < 10
    worse = {**shifted, "4.threshold": blueprint.arrays["4.threshold"] * 0.7}
    wrong = evaluate(Blueprint(blueprint.plan, worse), source, data, settings)
    assert wrong.mismatched_codes > 100
    assert wrong.mismatched_codes_engine > 50
    assert wrong.codes_images == wrong.samples == 30


def test_the_int8_engine_reads_accuracy_with_its_own_codes(blueprint: Blueprint, source: Source, data: Data) -> None:
    settings = EvaluateSettings(engine="int8", images=60, codes_images=20)
    found = evaluate(blueprint, source, data, settings)
    assert (found.engine, found.codes_compared_with, found.weight_bits) == ("int8", "source", ())
    assert found.arithmetic.startswith("integers; products: ")
    assert found.mismatched_codes == 0
    x = prepared(data, 60)
    network, exact = build(blueprint, lower=lowered), build(blueprint, dtype=torch.float64)
    labels = torch.from_numpy(data.test.labels[:60])
    assert found.accuracy_snn == float((network(x.double()).argmax(1) == labels).double().mean())
    changed = sum(
        int((one.codes.double() != other.codes).sum())
        for one, other in zip(network.walk(x[:20].double()), exact.walk(x[:20].double()), strict=True)
        if isinstance(one, StageRecord)
    )
    assert found.mismatched_codes_engine == changed > 0


def test_stored_weights_are_held_to_their_own_stepwise_run(blueprint: Blueprint, source: Source, data: Data) -> None:
    stored = quantise(blueprint, Uniform(bits=8))
    for engine in ("auto", "int8"):
        found = evaluate(stored, source, data, EvaluateSettings(engine=engine, images=60, codes_images=20))
        assert (found.codes_compared_with, found.weight_bits) == ("stepwise", (8,))
        assert found.mismatched_codes == 0
        assert found.accuracy_source is not None
        assert found.weight_bytes * 4 == evaluate(blueprint, source, data, EvaluateSettings(images=60)).weight_bytes
    assert json.loads(json.dumps(found.to_json()))["weight_bits"] == [8]


def test_an_engine_that_is_not_there_is_refused(blueprint: Blueprint, source: Source, data: Data) -> None:
    if find_spec("spikewright.engines.packed.run") is None:
        with pytest.raises(BadSetting, match="no packed engine"):
            evaluate(blueprint, source, data, EvaluateSettings(engine="packed", images=30))


def test_noise_is_seeded_and_the_same_for_source_and_network(blueprint: Blueprint, source: Source, data: Data) -> None:
    runs = [
        evaluate(blueprint, source, data, EvaluateSettings(noise=0.3, seed=seed, batch_size=40)) for seed in (1, 1, 2)
    ]
    one, same, other = (replace(run, samples_per_second=1.0) for run in runs)
    assert one == same
    assert one.synops_per_sample != other.synops_per_sample
    assert one.accuracy_snn == one.accuracy_reference
    assert one.mismatched_codes == 0
    assert one.accuracy_source is not None
    assert one.accuracy_source < 72 / 90


def test_without_a_source_the_stepwise_run_is_the_reference(
    found: Evaluation, blueprint: Blueprint, data: Data
) -> None:
    alone = evaluate(blueprint, None, data, EvaluateSettings(batch_size=40, codes_images=50), preparation=PREPARATION)
    assert alone.accuracy_source is None
    assert alone.accuracy_reference == found.accuracy_reference
    assert (alone.codes_compared_with, found.codes_compared_with) == ("stepwise", "source")
    differing = {"accuracy_source", "samples_per_second", "codes_compared_with"}
    assert replace(alone, **{name: getattr(found, name) for name in differing}) == found


def test_progress_is_told(blueprint: Blueprint, source: Source, data: Data) -> None:
    reported = Verdicts()
    settings = EvaluateSettings(batch_size=40, codes_images=50)
    evaluate(blueprint, source, data, settings, on_progress=reported)
    assert [step for step in reported if step[0] == "accuracy"] == [
        ("accuracy", 40, 90),
        ("accuracy", 80, 90),
        ("accuracy", 90, 90),
    ]
    assert [step for step in reported if step[0] == "codes"] == [("codes", 40, 50), ("codes", 50, 50)]
    assert reported[-1] == ("speed", 5, 5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": np.zeros((3, 1, 9, 8), np.uint8)}, "inputs of shape"),
        ({"labels": np.array([0, 1, 5])}, "label 5 .* 5 classes"),
        ({"inputs": np.zeros((0, 1, 8, 8), np.uint8), "labels": np.zeros(0, np.int64)}, "no images"),
    ],
)
def test_data_that_do_not_fit_are_refused(
    change: dict[str, np.ndarray], message: str, blueprint: Blueprint, source: Source
) -> None:
    given = {"inputs": np.zeros((3, 1, 8, 8), np.uint8), "labels": np.zeros(3, np.int64), **change}
    with pytest.raises(BadData, match=message):
        evaluate(blueprint, source, Data(Split(**given)))


def test_an_unknown_preparation_is_refused(blueprint: Blueprint, data: Data) -> None:
    with pytest.raises(BadData, match="mean, std"):
        evaluate(blueprint, None, data)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"images": 0}, "images"),
        ({"engine": "quick"}, "no engine 'quick' here: choose one of auto, float, float64, int8, packed"),
        ({"noise": -1.0}, "noise"),
        ({"energy_table": "none"}, "horowitz_int32"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadSetting, match=message):
        EvaluateSettings(**settings)  # pyright: ignore
