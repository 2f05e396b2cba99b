"""The certificate: what it counts, what it names, and what it refuses."""

import json
from dataclasses import replace

import pytest
import torch
from support.converted import captured, converted

from spikewright.ann.ops.activations import Activation
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import observe
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.errors import BadData, BadPlan
from spikewright.measure.equality.certificate import verify
from spikewright.measure.equality.quantised_source import rounding_of
from spikewright.measure.equality.reference import in_float64, refer
from spikewright.snn.blueprint import Blueprint


def test_counts_and_names() -> None:
    blueprint, source, x = converted("conv_bn_relu", timesteps=3)
    certificate = verify(build(blueprint), source, [x[:3], x[3:]])
    assert certificate.images == len(x)
    assert certificate.levels == (7, 7)
    assert certificate.codes_total == len(x) * (4 * 64 + 6 * 9)
    assert sum(row.codes for row in certificate.stages) == certificate.codes_total
    assert "7 levels" in certificate.reference and "not the unrounded source" in certificate.reference
    assert json.loads(json.dumps(certificate.to_json()))["equal"] is True
    assert "\n" not in certificate.line()


def test_figures_of_a_stage_are_those_of_its_codes_and_boundaries() -> None:
    blueprint, source, x = converted("conv_bn_relu", timesteps=3)
    certificate = verify(blueprint, source, [x[:3], x[3:]])
    records = [each for each in build(blueprint, dtype=torch.float64).walk(x.double()) if isinstance(each, StageRecord)]
    assert [row.stage for row in certificate.stages] == [record.node.name for record in records]
    truth = refer(source, x, rounding_of(blueprint, source), arrays=in_float64(source))
    for row, record in zip(certificate.stages, records, strict=True):
        assert row.codes == record.codes.numel()
        assert row.active_share == int((record.codes > 0).sum()) / record.codes.numel()
        margin = truth.margins[row.carries]
        assert row.smallest_distance == pytest.approx(float(margin.distance.min()), rel=1e-9, abs=0)
        assert row.largest_bound == pytest.approx(2 * float(margin.bound.max()), rel=1e-9, abs=0)
        assert 0 < row.largest_bound < row.smallest_distance and row.within_bound == 0
    assert certificate.smallest_distance == min(row.smallest_distance for row in certificate.stages)
    assert certificate.largest_bound == max(row.largest_bound for row in certificate.stages)
    assert 0 < certificate.output_bound < 1e-6 and certificate.output_error <= certificate.output_bound


def test_the_reference_of_trained_levels_is_named() -> None:
    blueprint, source, x = converted("trained_levels", timesteps=4)
    assert verify(blueprint, source, [x]).reference == "the source as trained"
    other, _, _ = converted("trained_levels", timesteps=3)
    assert "7 levels" in verify(other, source, [x]).reference


def test_a_source_that_was_trained_in_part_is_not_called_the_source_as_trained() -> None:
    """One plain ReLU, or one activation of other levels, among those that the network has as they were trained."""
    source, x, _ = captured("trained_levels")
    last = source.activations[-1]

    def named(op: Activation) -> str:
        nodes = tuple(replace(node, op=op) if node.name == last.name else node for node in source.nodes)
        changed = replace(source, nodes=nodes)
        certificate = verify(Exact(timesteps=4)(changed, observe(changed, [x])), changed, [x])
        assert certificate.equal
        return certificate.reference

    assert named(Activation(levels=15)) == "the source as trained"
    assert named(Activation(levels=15, slip=0.5)) == "the source quantised to 15 levels"
    assert named(Activation(levels=7)) == "the source quantised to 15 levels"


def test_a_source_with_one_plain_relu_is_not_that_source() -> None:
    source, x, _ = captured("trained_levels")
    last = source.activations[-1]
    nodes = tuple(
        replace(node, op=Activation(), arrays=()) if node.name == last.name else node for node in source.nodes
    )
    arrays = {
        name: array for name, array in source.arrays.items() if any(name == n for k in nodes for _, n in k.arrays)
    }
    part = replace(source, nodes=nodes, arrays=arrays)
    certificate = verify(Exact(timesteps=4)(part, observe(part, [x])), part, [x])
    assert certificate.equal
    assert certificate.reference == "the source quantised to 15 levels, not the unrounded source itself"


def test_the_reference_is_the_sources_own() -> None:
    """Neither a trained threshold nor the half step is taken from the network under test."""
    blueprint, source, _ = converted("trained_levels", timesteps=4)
    doubled = {name: array * 2 for name, array in blueprint.arrays.items()}
    before, after = rounding_of(blueprint, source), rounding_of(Blueprint(blueprint.plan, doubled), source)
    for name, rule in before.items():
        assert torch.equal(rule.unit, after[name].unit)
        assert torch.equal(rule.initial, rule.unit / 2)
        assert torch.equal(rule.initial, after[name].initial)


@pytest.mark.parametrize("batches", [[], [torch.zeros(0, 10)], [torch.zeros(2, 11)]])
def test_bad_inputs(batches: list[torch.Tensor]) -> None:
    blueprint, source, _ = converted("mlp")
    with pytest.raises(BadData):
        verify(blueprint, source, batches)


@pytest.mark.parametrize(
    ("one", "other"), [("mlp", "mlp_batch_norm"), ("resnet", "conv_bn_relu"), ("mlp", "linear_only")]
)
def test_another_networks_source_is_refused(one: str, other: str) -> None:
    blueprint, _, _ = converted(one)
    source, x, _ = captured(other)
    with pytest.raises(BadPlan, match="do not belong together"):
        verify(blueprint, source, [x])
    blueprint, _, _ = converted(other)
    source, x, _ = captured(one)
    with pytest.raises(BadPlan, match="do not belong together"):
        verify(blueprint, source, [x])


def test_ties_are_not_called_proven() -> None:
    """Potentials on boundaries: equal, but not by the bounds. Here every z is half a unit, θ/30."""
    source, _, _ = captured("trained_levels")
    x = torch.zeros(2, *source.input_shape)
    arrays = {name: torch.zeros_like(array) for name, array in source.arrays.items()}
    arrays |= {name: torch.full_like(array, 15 / 8) for name, array in arrays.items() if "threshold" in name}
    arrays["7.bias"] = torch.full((8,), 1 / 16)
    tied = type(source).of(source.input_shape, source.nodes, arrays)
    certificate = verify(Exact(timesteps=4)(tied), tied, [x])
    assert certificate.equal
    assert certificate.within_bound == 2 * 8
    assert not certificate.proven
    assert certificate.line().startswith("EQUAL, 16 codes within the rounding bound")
