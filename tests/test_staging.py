"""Stages: their constants against direct evaluation, and what is folded where."""

import pytest
import torch
from converted import captured
from torch import Tensor

from spikewright import interpreter, ops
from spikewright.reference import in_float64
from spikewright.staging import stage

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
        if node.fires is None or node.fires.activation != node.fires.carries:
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
        assert not isinstance(node.op, ops.MaxPool | ops.AdaptiveMaxPool)
        known.add(node.name)
    assert stages[-1].fires is None
    assert stages[-1].shape == source.output_shape
    fired = {node.fires.activation for node in stages if node.fires is not None}
    assert fired == {node.name for node in source.activations}


def test_nothing_is_folded_across_a_max_pool() -> None:
    source, _, _ = captured("bn_after_max_pool")
    first = next(node for node in stage(source) if node.fires is not None)
    assert first.fires is not None
    assert [op.kind for op, _, _ in first.fires.before] == ["max_pool", "scale"]
    gain = first.fires.before[1][1]
    assert gain is not None and bool((gain < 0).any()) and bool((gain > 0).any())
    convolution = next(node for node in source.nodes if node.op.kind == "conv")
    assert first.weight is not None
    assert torch.equal(first.weight, source.arrays[dict(convolution.arrays)["weight"]].double())
