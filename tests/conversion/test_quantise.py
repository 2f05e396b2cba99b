"""Stored integers of whole networks, against weights rounded one by one with Python's own numbers."""

from fractions import Fraction

import pytest
import torch
from support import zoo
from support.converted import captured, converted
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.interpreter import run
from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.products import Conv, Linear
from spikewright.ann.source import Source
from spikewright.conversion.quantise import load, quantise, store
from spikewright.engines.network import build
from spikewright.errors import BadModel
from spikewright.measure.cost.memory import memory_bytes
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform


def rounded(weight: Tensor, bits: int) -> tuple[list[int], Fraction]:
    """Nearest integers, half to even, of a tensor with one scale."""
    top = 2 ** (bits - 1) - 1
    exact = [Fraction(value) for value in weight.double().flatten().tolist()]
    scale = max(map(abs, exact)) / top
    return [round(value / scale) for value in exact], scale


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_a_source_holds_the_nearest_integers(bits: int) -> None:
    source = captured("resnet")[0]
    stored = store(source, Uniform(bits=bits))
    weighted = [node for node in source.nodes if isinstance(node.op, Linear | Conv)]
    assert set(stored) == {dict(node.arrays)["weight"] for node in weighted}
    for name, entry in stored.items():
        weight = source.arrays[name].double()
        nearest, scale = rounded(weight, bits)
        away = [abs(a - b) for a, b in zip(entry.integers.flatten().tolist(), nearest, strict=True)]
        assert max(away) <= 1 and sum(away) <= 1 + len(away) // 100, "but for float32's ties"
        back = load(source, stored).arrays[name].double()
        assert float((back - weight).abs().max()) <= float(scale) / 2 * (1 + 1e-4)


def test_a_flipped_bit_reaches_the_network() -> None:
    source = captured("resnet")[0]
    stored = store(source, Uniform(bits=8))
    x = torch.randn(2, *source.input_shape, generator=torch.Generator().manual_seed(0))
    name = next(iter(stored))
    flipped = stored[name].integers.clone()
    flipped.view(-1)[0] ^= 1 << 6
    faulty = load(source, {**stored, name: stored[name]._replace(integers=flipped)})
    changed = (faulty.arrays[name] - load(source, stored).arrays[name]).flatten()
    assert abs(float(changed[0])) == pytest.approx(64 * float(stored[name].scale), rel=1e-5)
    assert not changed[1:].any()
    assert not torch.equal(run(faulty, x), run(load(source, stored), x))


def channel_by_channel(weight: Tensor, groups: int, weights: Uniform) -> Tensor:
    """A transposed convolution's weight [in, out/groups, *], each output channel rounded for itself."""
    made, inputs = weight.clone(), len(weight) // groups
    for group in range(groups):
        for channel in range(weight.shape[1]):
            part = (slice(group * inputs, (group + 1) * inputs), channel)
            integers, scale = Uniform(bits=weights.bits).store(weight[part])
            made[part] = integers * scale
    return made


def by_hand(blueprint: Blueprint, weights: Uniform, *, per_channel: bool) -> Blueprint:
    """The same network in real numbers: each weight rounded, nothing stored."""
    arrays = dict(blueprint.arrays)
    for node in blueprint.plan.nodes:
        if isinstance(node.op, Linear | Conv):
            name = f"{node.name}.weight"
            weight = arrays[name].double()
            transposed = isinstance(node.op, Conv) and node.op.transposed
            if transposed and per_channel:
                arrays[name] = channel_by_channel(weight, node.op.groups, weights)
            else:
                integers, scale = weights.store(weight)
                arrays[name] = integers * scale
    return Blueprint(blueprint.plan, arrays)


@pytest.mark.parametrize("model", zoo.names())
@pytest.mark.parametrize("per_channel", [False, True])
def test_integers_and_gains_make_the_codes_of_rounded_weights(model: str, per_channel: bool) -> None:
    blueprint, _, x = converted(model, timesteps=3)
    weights = Uniform(bits=6, per_channel=per_channel)
    stored = quantise(blueprint, weights)
    expected = list(build(by_hand(blueprint, weights, per_channel=per_channel), dtype=torch.float64).walk(x.double()))
    network = build(stored, dtype=torch.float64)
    for records in (list(network.walk(x.double())), list(network.collapse(x.double()))):
        for found, wanted in zip(records, expected, strict=True):
            assert torch.allclose(found.codes, wanted.codes, rtol=1e-9, atol=1e-9), found.node.name


def test_what_is_stored_already_is_kept_and_counted() -> None:
    blueprint, _, _ = converted("resnet", timesteps=2)
    once = quantise(blueprint, Uniform(bits=4))
    again = quantise(once, Uniform(bits=8))
    assert again.plan == once.plan
    weights = sum(
        blueprint.arrays[f"{node.name}.weight"].numel() for node in once.plan.nodes if node.weights is not None
    )
    gains = [node for node in blueprint.plan.nodes if isinstance(node.op, Scale)]
    if not gains:
        assert weights / 2 <= memory_bytes(once).weight_bytes <= weights / 2 + len(once.plan.nodes)


def test_refusals() -> None:
    source = capture(nn.Sequential(nn.Flatten(), nn.ReLU()).eval(), torch.rand(2, 1, 2, 2))
    with pytest.raises(BadModel, match="no weights to store"):
        store(source, Uniform())
    other: Source = captured("resnet")[0]
    with pytest.raises(BadModel, match="store them anew"):
        load(source, store(other, Uniform()))
