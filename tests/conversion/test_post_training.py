"""Weights of few bits after training: the choice made by hand, and thresholds that bring the codes back."""

import pytest
import torch
from support.trained import classifier, digits

from spikewright.app.runs import acquire
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.post_training import accuracy, quantise_trained, repair_thresholds
from spikewright.conversion.quantise import quantise
from spikewright.engines.network import build
from spikewright.errors import BadData, BadSetting
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform


@pytest.fixture(scope="module")
def blueprint() -> Blueprint:
    return Exact(timesteps=3)(classifier(7, 7), None)


@pytest.fixture(scope="module")
def calibration() -> list[torch.Tensor]:
    return acquire.inputs(digits().train, digits(), limit=100)


@pytest.fixture(scope="module")
def validation() -> list[tuple[torch.Tensor, torch.Tensor]]:
    return acquire.labelled(digits().validation, digits())


def _share(blueprint: Blueprint, samples: list[tuple[torch.Tensor, torch.Tensor]]) -> float:
    hits = [bool(build(blueprint)(x[None]).argmax() == y) for xs, ys in samples for x, y in zip(xs, ys, strict=True)]
    return sum(hits) / len(hits)


@pytest.mark.parametrize("bits", [3, 8])
def test_the_best_way_on_validation_is_kept(
    bits: int,
    blueprint: Blueprint,
    calibration: list[torch.Tensor],
    validation: list[tuple[torch.Tensor, torch.Tensor]],
) -> None:
    found = quantise_trained(blueprint, bits, calibration=calibration, validation=validation)
    assert found.accuracy_validation_before == _share(blueprint, validation)
    assert found.chosen.accuracy_validation == _share(found.blueprint, validation)
    assert [(way.per_channel, way.repaired_thresholds) for way in found.tried] == [
        (False, False), (False, True), (True, False), (True, True),
    ]  # fmt: skip
    for way in found.tried:
        made = quantise(blueprint, Uniform(bits=bits, per_channel=way.per_channel))
        made = repair_thresholds(made, blueprint, calibration) if way.repaired_thresholds else made
        assert way.accuracy_validation == accuracy(made, validation)
        if way is found.chosen:
            assert all(torch.equal(array, made.arrays[name]) for name, array in found.blueprint.arrays.items())
    assert found.chosen is max(found.tried, key=lambda way: way.accuracy_validation)
    assert found.blueprint.weight_bits == (bits,)
    stored = quantise(blueprint, Uniform(bits=bits, per_channel=found.chosen.per_channel))
    for node in stored.plan.nodes:
        if node.weights is not None:
            assert torch.equal(found.blueprint.arrays[f"{node.name}.weight"], stored.arrays[f"{node.name}.weight"])
    assert f"weights of {bits} bits" in found.line()
    assert found.to_json()["accuracy_validation_before"] == found.accuracy_validation_before
    if bits == 8:
        assert found.chosen.accuracy_validation > found.accuracy_validation_before - 0.02


def test_mended_thresholds_bring_the_codes_back(blueprint: Blueprint, calibration: list[torch.Tensor]) -> None:
    """Weights half as large again, with the biases: thresholds have to follow for the stages to fire as before."""
    first = blueprint.plan.stages[0].name
    arrays = dict(blueprint.arrays)
    for role in ("weight", "bias"):
        arrays[f"{first}.{role}"] = arrays[f"{first}.{role}"] * 1.5
    louder = Blueprint(blueprint.plan, arrays)
    repaired = repair_thresholds(louder, blueprint, calibration)
    ratio = float(repaired.arrays[f"{first}.threshold"].mean() / blueprint.arrays[f"{first}.threshold"].mean())
    assert 1.1 < ratio < 1.9

    def mean(network: Blueprint) -> float:
        codes = [next(iter(build(network).collapse(x))).codes for x in calibration]
        return float(torch.cat(codes).double().mean())

    wanted = mean(blueprint)
    assert abs(mean(repaired) - wanted) < 0.3 * abs(mean(louder) - wanted)
    assert torch.equal(repaired.arrays[f"{first}.amplitude"], blueprint.arrays[f"{first}.amplitude"])
    assert torch.equal(louder.arrays[f"{first}.threshold"], blueprint.arrays[f"{first}.threshold"])


def test_a_network_that_fires_alike_is_left_as_it_is(blueprint: Blueprint, calibration: list[torch.Tensor]) -> None:
    same = repair_thresholds(blueprint, blueprint, calibration)
    assert all(torch.equal(array, same.arrays[name]) for name, array in blueprint.arrays.items())


def test_accuracy_is_counted_over_all_batches(
    blueprint: Blueprint, validation: list[tuple[torch.Tensor, torch.Tensor]]
) -> None:
    assert accuracy(blueprint, validation) == _share(blueprint, validation)


def test_no_bits_and_no_inputs_are_refused(blueprint: Blueprint, calibration: list[torch.Tensor]) -> None:
    pair = [(calibration[0], torch.zeros(len(calibration[0]), dtype=torch.long))]
    for bits in (1, 17):
        with pytest.raises(BadSetting, match=f"2..16 bits, got {bits}"):
            quantise_trained(blueprint, bits, calibration=calibration, validation=pair)
    for images, labelled in (([], pair), (calibration, [])):
        with pytest.raises(BadData, match="got none"):
            quantise_trained(blueprint, 8, calibration=images, validation=labelled)


def test_floating_point_weights_have_no_stored_bits(blueprint: Blueprint) -> None:
    assert blueprint.weight_bits == ()
