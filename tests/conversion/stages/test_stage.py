"""Stages: their constants against direct evaluation, and what is folded where."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.converted import captured
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ops.pools import AdaptiveMaxPool, MaxPool
from spikewright.ann.ops.products import Conv, Linear
from spikewright.conversion.stages.stage import stage
from spikewright.conversion.stages.staged import FiringNode, StagedNode
from spikewright.measure.equality.reference import in_float64
from spikewright.snn.formats.binary import Binary
from spikewright.snn.formats.stored import Stored
from spikewright.snn.formats.uniform import Uniform

CHAINS = [
    "bn_before_padded_conv",
    "bias_through_two_padded_convs",
    "pre_activation_resnet",
    "densenet",
    "mobilenet_v2",
    "conv_transposed_2d",
    "average_pool_of_a_constant_map",
    "clipped_activations",
    "hardtanh_then_padded_conv",
    "constants",
    "constant_that_widens",
    "same_padding_with_even_kernels",
    "shufflenet",
    "batch_norm_between_sequences",
    "bn_after_max_pool",
    "bn_and_product_after_max_pool",
    "linear_only",
]


@pytest.mark.parametrize("name", CHAINS)
def test_constants_are_the_network_at_zero_input_without_a_spike(name: str) -> None:
    """With no input and no spike anywhere, what an activation reads is its stage's constant."""
    source, _, _ = captured(name)
    seen: dict[str, Tensor] = {}

    def silent(node, z, roles):
        seen[node.name] = z[0]
        return torch.zeros_like(z)

    zero = torch.zeros(1, *source.input_shape, dtype=torch.float64)
    output = interpreter.run(source, zero, arrays=in_float64(source), activate=silent)[0]
    stages = stage(source)
    for node in stages:
        if not isinstance(node, FiringNode) or node.fires.activation != node.fires.carries or node.fires.beyond:
            continue
        constant = torch.zeros((), dtype=torch.float64) if node.bias is None else node.bias
        for op, gain, bias in node.fires.before:
            if gain is not None:
                constant = constant * gain + bias
            elif constant.dim() == len(node.shape) and any(size > 1 for size in constant.shape[1:]):
                constant = op([constant.unsqueeze(0)])[0]
        torch.testing.assert_close(
            constant.expand_as(seen[node.fires.activation]), seen[node.fires.activation], rtol=1e-9, atol=1e-11
        )
    bias = stages[-1].bias
    constant = torch.zeros((), dtype=torch.float64) if bias is None else bias
    torch.testing.assert_close(constant.expand_as(output), output, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["conv_bn_relu", "resnet_option_a", "mobilenet_v2", "inception"])
def test_batch_norm_leaves_no_node_behind_an_affine_map(name: str) -> None:
    source, _, _ = captured(name)
    kinds = [node.op.kind for node in stage(source)]
    assert "scale" not in kinds
    assert "batch_norm" not in kinds


@pytest.mark.parametrize("name", CHAINS)
def test_stages_are_in_order_and_only_read_what_is_there(name: str) -> None:
    source, _, _ = captured(name)
    known = {"input"}
    stages = stage(source)
    for node in stages:
        assert set(node.inputs) <= known
        assert node.name not in known
        assert not isinstance(node.op, MaxPool | AdaptiveMaxPool)
        known.add(node.name)
    assert not isinstance(stages[-1], FiringNode)
    assert stages[-1].shape == source.output_shape
    fired = {node.fires.activation for node in stages if isinstance(node, FiringNode)}
    assert fired == {node.name for node in source.activations}


def test_nothing_is_folded_across_a_max_pool() -> None:
    source, _, _ = captured("bn_after_max_pool")
    first = next(node for node in stage(source) if isinstance(node, FiringNode))
    assert [op.kind for op, _, _ in first.fires.before] == ["max_pool", "scale"]
    gain = first.fires.before[1][1]
    assert gain is not None and bool((gain < 0).any()) and bool((gain > 0).any())
    convolution = next(node for node in source.nodes if node.op.kind == "conv")
    assert first.weight is not None
    assert torch.equal(first.weight, source.arrays[dict(convolution.arrays)["weight"]].double())


# Weights that are stored as integers ---------------------------------------------------------------------------

STORED = [
    "conv_bn_relu",
    "bn_before_padded_conv",
    "bias_through_two_padded_convs",
    "bn_after_max_pool",
    "resnet",
    "pre_activation_resnet",
    "densenet",
    "mobilenet_v2",
    "inception",
    "conv_transposed_2d",
    "linear_on_the_last_axis",
    "batch_norm_between_sequences",
    "constants",
    "mlp_batch_norm",
]


@given(st.sampled_from(STORED), st.sampled_from([1, 2, 4, 8]), st.booleans(), st.data())
def test_staging_integers_is_staging_what_they_are_worth(
    name: str, bits: int, by_channel: bool, data: st.DataObject
) -> None:
    source, _, _ = captured(name)
    layers = [node for node in source.nodes if isinstance(node.op, Linear | Conv)]
    chosen = [node for node in layers if data.draw(st.booleans())] or layers[:1]
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 10**6)))
    stored: dict[str, Stored] = {}
    replaced = []
    arrays = dict(source.arrays)
    for node in source.nodes:
        if node not in chosen:
            replaced.append(node)
            continue
        shape = source.arrays[dict(node.arrays)["weight"]].shape
        transposed = isinstance(node.op, Conv) and node.op.transposed
        top = 2 ** (bits - 1) - 1
        integers = torch.randint(0, 2, shape, generator=generator) * 2 - 1
        integers = integers if bits == 1 else torch.randint(-top, top + 1, shape, generator=generator)
        count = shape[0] if by_channel and not transposed else 1
        scale = torch.rand(count, *(1,) * (len(shape) - 1), generator=generator) + 0.5
        form = Binary() if bits == 1 else Uniform(bits=bits, per_channel=by_channel)
        stored[node.name] = Stored(form, integers, scale)
        own = f"{node.name}.worth"  # a weight that several nodes share is stored for each of them
        arrays[own] = integers * scale.double()
        roles = tuple((role, own if role == "weight" else array) for role, array in node.arrays)
        replaced.append(replace(node, arrays=roles))
    real = {node.name: node for node in stage(replace(source, nodes=tuple(replaced), arrays=arrays))}
    made = stage(source, stored)
    saved = [node for node in made if node.format is not None]
    assert len(saved) == len(chosen)
    assert sorted(map(str, (_integers(node) for node in saved))) == sorted(
        str(one.integers.tolist()) for one in stored.values()
    ), "the integers are kept as they are"
    # A batch norm before an affine map may go into its real weight and not into its integers: compare what they make
    one, two = Played(made, source.input_shape), Played(tuple(real.values()), source.input_shape)
    for activation, potential in one.potentials.items():
        torch.testing.assert_close(potential, two.potentials[activation], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(one.output, two.output, rtol=1e-10, atol=1e-10)


def _integers(node: StagedNode) -> list[Any]:
    assert node.weight is not None
    return node.weight.to(torch.int64).tolist()


class Played:
    """Staged nodes evaluated one after the other, each stage emitting noise that depends on its name alone."""

    def __init__(self, nodes: tuple[StagedNode, ...], input_shape: tuple[int, ...]) -> None:
        values = {"input": self.noise("input", input_shape)}
        self.potentials: dict[str, Tensor] = {}
        for node in nodes:
            value = node.op([values[name] for name in node.inputs], node.weight)
            value = value if node.gain is None else value * node.gain
            value = value if node.bias is None else value + node.bias
            if not isinstance(node, FiringNode):
                self.output = values[node.name] = value
                continue
            for op, gain, bias in node.fires.before:
                value = op([value], gain) if bias is None else op([value], gain) + bias
            where = f"{node.fires.activation} {node.fires.carries} {node.fires.channels}"
            self.potentials[where] = value
            values[node.name] = self.noise(where, node.shape)

    @staticmethod
    def noise(name: str, shape: tuple[int, ...]) -> Tensor:
        generator = torch.Generator().manual_seed(sum(map(ord, name)))
        return torch.randn(2, *shape, generator=generator, dtype=torch.float64)


def test_a_gain_is_the_batch_norms_and_the_scales() -> None:
    source, _, _ = captured("conv_bn_relu")
    conv, norm = source.nodes[0], source.nodes[1]
    integers = torch.ones(source.arrays[dict(conv.arrays)["weight"]].shape, dtype=torch.int8)
    scale = torch.tensor([0.5, 1.0, 2.0, 4.0]).reshape(4, 1, 1, 1)
    first = stage(source, {conv.name: Stored(Binary(), integers, scale)})[0]
    role = {key: source.arrays[array].double() for key, array in norm.arrays}
    expected = scale.flatten() * role["weight"] / (role["variance"] + norm.op.epsilon).sqrt()  # pyright: ignore
    assert first.gain is not None and first.gain.shape == (4, 1, 1)
    torch.testing.assert_close(first.gain.flatten(), expected)
    assert first.format == Binary() and first.weight is not None and bool((first.weight == 1).all())
