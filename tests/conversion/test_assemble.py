"""Writing a blueprint down, and shifting what a stage receives: as if the source had had another bias."""

from dataclasses import replace

import pytest
import torch
from support.converted import captured
from torch import Tensor

from spikewright.ann.ops.activations import Activation, BatchNorm
from spikewright.ann.source import Source
from spikewright.conversion.align import Joining
from spikewright.conversion.assemble import StageSettings, assemble, with_shift
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.stages.stage import stage
from spikewright.conversion.stages.staged import FiringNode
from spikewright.engines.network import build
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.neurons.hard_reset import HardReset
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.nodes import Edge, Stage
from spikewright.snn.schedules.lockstep import Lockstep


def _settings(node: FiringNode) -> StageSettings:
    unit = torch.tensor(0.25).double()
    return StageSettings(
        schedule=Lockstep(), code=Code.rate(4), threshold=unit, initial_potential=unit / 2, amplitude=unit
    )


def test_every_staged_node_is_written_down_with_its_arrays() -> None:
    source, _, _ = captured("bn_after_max_pool")
    staged = stage(source)
    blueprint = assemble(staged, _settings, source=source, encoder=Repeat(4))
    assert [node.name for node in blueprint.plan.nodes] == [node.name for node in staged]
    expected: dict[str, Tensor] = {}
    for node, saved in zip(blueprint.plan.nodes, staged, strict=True):
        assert (node.op, node.inputs, node.shape) == (saved.op, saved.inputs, saved.shape)
        assert node.edges == tuple(Edge(name) for name in saved.inputs)
        for role, array in (("weight", saved.weight), ("bias", saved.bias)):
            if array is not None:
                expected[f"{node.name}.{role}"] = array
        assert isinstance(node, Stage) == isinstance(saved, FiringNode)
        if isinstance(saved, FiringNode) and isinstance(node, Stage):
            assert node.firing.carries == saved.fires.carries
            assert node.firing.before_firing == tuple(op for op, _, _ in saved.fires.before)
            assert isinstance(node.firing.law, IntegrateFire)
            unit = torch.tensor(0.25).double()
            expected |= {f"{node.name}.threshold": unit, f"{node.name}.amplitude": unit}
            expected[f"{node.name}.initial_potential"] = unit / 2
            for index, (_, gain, bias) in enumerate(saved.fires.before):
                if gain is not None and bias is not None:
                    expected |= {f"{node.name}.before{index}.weight": gain, f"{node.name}.before{index}.bias": bias}
    assert blueprint.arrays.keys() == expected.keys()
    assert all(torch.equal(array, expected[name]) for name, array in blueprint.arrays.items())
    assert any(".before1.bias" in name for name in expected)


def test_settings_are_asked_for_once_a_stage_and_law_and_joining_are_kept() -> None:
    source, _, _ = captured("resnet")
    asked: list[str] = []

    def settings(node: FiringNode) -> StageSettings:
        asked.append(node.name)
        return replace(_settings(node), law=HardReset())

    staged = stage(source)
    joining = Joining.parse("average")
    blueprint = assemble(staged, settings, source=source, encoder=Repeat(4), joining=joining)
    assert asked == [node.name for node in blueprint.plan.stages]
    assert {node.firing.law for node in blueprint.plan.stages} == {HardReset()}
    assert any(edge.alignment is not None for node in blueprint.plan.nodes for edge in node.edges)


# Shifts -------------------------------------------------------------------------------------------------------


def _with_bias(source: Source, node: str, shift: Tensor) -> Source:
    """The source with another bias in one of its layers."""
    stored = next(one for one in source.nodes if one.name == node)
    name = dict(stored.arrays)["bias"]
    return replace(source, arrays={**source.arrays, name: source.arrays[name] + shift.reshape(-1).float()})


def _converted(source: Source, statistics) -> Blueprint:
    return Qcfs(timesteps=4)(source, statistics)


def _agree(one: Blueprint, other: Blueprint, x: Tensor) -> None:
    first, second = build(one, dtype=torch.float64), build(other, dtype=torch.float64)
    for left, right in zip(first.walk(x.double()), second.walk(x.double()), strict=True):
        torch.testing.assert_close(left.codes, right.codes, rtol=1e-9, atol=1e-9)
    for left, right in zip(first.collapse(x.double()), second.walk(x.double()), strict=True):
        torch.testing.assert_close(left.codes, right.codes, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "stage_index", "kind"),
    [
        ("mlp", 1, "linear"),
        ("conv_bn_relu", 1, "batch_norm"),
        ("max_pool_before_relu", 0, "conv"),
        ("bn_after_max_pool", 0, "batch_norm"),
        ("bn_after_max_pool", 1, "conv"),
    ],
)
def test_a_shift_is_another_bias_of_the_source(name: str, stage_index: int, kind: str) -> None:
    """Behind a norm that follows a max pool as well: the shift is not what the norm scales."""
    source, x, statistics = captured(name)
    stages = _converted(source, statistics).plan.stages
    layers = [one for one in source.nodes if one.op.kind == kind and one.op.kind != "activation"]
    activations = [index for index, one in enumerate(source.nodes) if isinstance(one.op, Activation)]
    before = [one for one in layers if source.nodes.index(one) < activations[stage_index]]
    shift = torch.linspace(-1.0, 1.0, before[-1].shape[0], dtype=torch.float64).float().double()
    shift = shift.reshape(-1, *(1,) * (len(before[-1].shape) - 1))
    blueprint = _converted(source, statistics)
    arrays = {key: array.clone() for key, array in blueprint.arrays.items()}
    shifted = with_shift(blueprint, {stages[stage_index].name: shift})
    _agree(shifted, _converted(_with_bias(source, before[-1].name, shift), statistics), x)
    unshifted = list(build(blueprint, dtype=torch.float64).walk(x.double()))[stage_index].codes
    assert not torch.equal(unshifted, list(build(shifted, dtype=torch.float64).walk(x.double()))[stage_index].codes)
    assert all(torch.equal(array, arrays[key]) for key, array in blueprint.arrays.items())


def test_a_stage_without_a_bias_gets_one() -> None:
    source, x, statistics = captured("linear_without_bias_then_max_pool_1d")
    blueprint = _converted(source, statistics)
    name = blueprint.plan.stages[0].name
    assert f"{name}.bias" not in blueprint.arrays
    shift = torch.tensor([[0.3], [-0.2], [0.1]], dtype=torch.float64)
    shifted = with_shift(blueprint, {name: shift})
    assert torch.equal(shifted.arrays[f"{name}.bias"], shift)
    codes = {}
    for which, made in (("plain", blueprint), ("shifted", shifted)):
        slow = list(build(made, dtype=torch.float64).walk(x.double()))
        fast = list(build(made, dtype=torch.float64).collapse(x.double()))
        assert all(torch.equal(a.codes, b.codes) for a, b in zip(slow[:-1], fast[:-1], strict=True))
        codes[which] = slow[0].codes
    difference = codes["shifted"] - codes["plain"]
    assert bool((difference[:, 0] >= 0).all()) and bool((difference[:, 1] <= 0).all())
    assert bool((difference[:, 0] > 0).any()) and bool((difference[:, 1] < 0).any())


def test_what_is_not_named_stays() -> None:
    source, _, statistics = captured("resnet")
    blueprint = _converted(source, statistics)
    assert with_shift(blueprint, {}).arrays == blueprint.arrays
    assert any(isinstance(node.op, BatchNorm) for node in source.nodes)
