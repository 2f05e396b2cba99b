"""Bytes that a network occupies: its weights as stored, and the membranes of its stages.

Weights are those of matrix products, convolutions and gains (batch norm is folded into them), in the bits that each is
stored in; gains beside stored integers and before firing, biases, and the stages' constants are lines of their own,
since they are seldom stored in as few bits. A stage that pools its potential before firing holds the unpooled
membranes; one that pools each step's current does not. From the blueprint alone; one sample.
"""

from dataclasses import dataclass

from spikewright.errors import BadSetting
from spikewright.measure.cost.fan_out import op_shape
from spikewright.measure.cost.synapses import elements
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.packing import packed_size
from spikewright.snn.nodes import Stage

FLOAT32_BITS = 32
CONSTANTS = (".threshold", ".initial_potential", ".amplitude", ".rising", ".falling")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBytes:
    """Bytes; the weights of each node, and each total of membranes, are rounded up to a whole byte."""

    weight_bytes: int
    gain_bytes: int  # beside stored integers, and of batch norms after a max pool, at 4 bytes each
    bias_bytes: int  # at 4 bytes each
    constant_bytes: int  # thresholds and tables of them, initial potentials, amplitudes, at 4 bytes each
    membrane_bytes_peak: int  # the largest stage
    membrane_bytes_all: int  # all stages at once, as stepwise execution must hold them

    @property
    def artefact_bytes(self) -> int:
        """All that is stored: the arrays of a saved network take as much, where they are float32 and integers."""
        return self.weight_bytes + self.gain_bytes + self.bias_bytes + self.constant_bytes


def memory_bytes(
    blueprint: Blueprint, *, weight_bits: int = FLOAT32_BITS, membrane_bits: int = FLOAT32_BITS
) -> MemoryBytes:
    """Bytes of weights and membranes.

    Args:
        blueprint: the network.
        weight_bits: bits of a weight whose node has no format of its own.
        membrane_bits: bits of a membrane that its neuron's law does not give any.

    Raises:
        BadSetting: fewer than one bit.

    """
    for name, bits in (("weight_bits", weight_bits), ("membrane_bits", membrane_bits)):
        if bits < 1:
            raise BadSetting(f"{name} must be at least 1, got {bits}")
    plan = blueprint.plan
    shapes = plan.shapes
    weighted = [node for node in plan.nodes if node.op.weighted and node.shares is None]
    loose = sum(blueprint.arrays[f"{node.name}.weight"].numel() for node in weighted if node.weights is None)
    stored = [
        packed_size(blueprint.arrays[f"{node.name}.weight"].numel(), node.weights.bits)
        for node in weighted
        if node.weights is not None
    ]
    membranes = [_membranes(blueprint, node, shapes) * _membrane_bits(node, membrane_bits) for node in plan.stages]
    return MemoryBytes(
        weight_bytes=_bytes(loose * weight_bits) + sum(stored),
        gain_bytes=_bytes((_numbers(blueprint, ".gain") + _pooled_gains(blueprint)) * FLOAT32_BITS),
        bias_bytes=_bytes(_numbers(blueprint, ".bias") * FLOAT32_BITS),
        constant_bytes=_bytes(_numbers(blueprint, *CONSTANTS) * FLOAT32_BITS),
        membrane_bytes_peak=_bytes(max(membranes, default=0)),
        membrane_bytes_all=_bytes(sum(membranes)),
    )


def _numbers(blueprint: Blueprint, *endings: str) -> int:
    return sum(array.numel() for name, array in blueprint.arrays.items() if name.endswith(endings))


def _pooled_gains(blueprint: Blueprint) -> int:
    """Numbers of the gains that are applied after a max pool, before firing; their biases are counted as biases."""
    return sum(
        blueprint.arrays[f"{node.name}.before{index}.weight"].numel()
        for node in blueprint.plan.stages
        for index, op in enumerate(node.firing.before_firing)
        if op.scales
    )


def _membranes(blueprint: Blueprint, stage: Stage, shapes: dict[str, tuple[int, ...]]) -> int:
    if stage.firing.schedule.clocked:
        return elements(stage.shape)
    return elements(op_shape(stage, shapes, blueprint.array(stage, "weight")))


def _membrane_bits(stage: Stage, otherwise: int) -> int:
    membrane = stage.firing.law.membrane
    return otherwise if membrane is None else membrane.bits


def _bytes(bits: int) -> int:
    return -(-bits // 8)
