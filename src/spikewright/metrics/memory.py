"""Bytes that a network occupies: its weights as stored, and the membranes of its stages.

Weights are those of matrix products, convolutions and gains (batch norm is folded into them); biases are a
line of their own, since they are seldom stored in as few bits. A stage that pools its potential before firing
holds the unpooled membranes. From the blueprint alone; one sample.
"""

from dataclasses import dataclass

from spikewright import ops
from spikewright.blueprint import Blueprint
from spikewright.errors import BadSetting
from spikewright.metrics.flow import op_shape
from spikewright.metrics.synapses import elements
from spikewright.source import INPUT

FLOAT32_BITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBytes:
    """Bytes, each total rounded up to a whole byte."""

    weight_bytes: int
    bias_bytes: int  # at 4 bytes each
    membrane_bytes_peak: int  # the largest stage
    membrane_bytes_all: int  # all stages at once


def memory_bytes(
    blueprint: Blueprint, *, weight_bits: int = FLOAT32_BITS, membrane_bits: int = FLOAT32_BITS
) -> MemoryBytes:
    """Bytes of weights and membranes.

    Args:
        blueprint: the network.
        weight_bits: bits of one weight.
        membrane_bits: bits of one membrane potential.

    Raises:
        BadSetting: fewer than one bit.

    """
    for name, bits in (("weight_bits", weight_bits), ("membrane_bits", membrane_bits)):
        if bits < 1:
            raise BadSetting(f"{name} must be at least 1, got {bits}")
    plan = blueprint.plan
    shapes = {INPUT: plan.input_shape, **{node.name: node.shape for node in plan.nodes}}
    weighted = [node.name for node in plan.nodes if isinstance(node.op, ops.Weighted)]
    weights = sum(blueprint.arrays[f"{name}.weight"].numel() for name in weighted)
    biases = sum(array.numel() for name, array in blueprint.arrays.items() if name.endswith(".bias"))
    membranes = [elements(op_shape(node, shapes, blueprint.array(node, "weight"))) for node in plan.stages]
    return MemoryBytes(
        weight_bytes=_bytes(weights * weight_bits),
        bias_bytes=_bytes(biases * FLOAT32_BITS),
        membrane_bytes_peak=_bytes(max(membranes, default=0) * membrane_bits),
        membrane_bytes_all=_bytes(sum(membranes) * membrane_bits),
    )


def _bytes(bits: int) -> int:
    return -(-bits // 8)
