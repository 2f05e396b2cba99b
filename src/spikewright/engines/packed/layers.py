"""What a packed network keeps: 1-bit weights as words, other stored weights as bytes, stages as terms and constants.

A layer runs from words where its weight is 1-bit and its input a packable value (`packed_values`), is a matrix product
of vectors or a convolution of images, and no sum can reach 2^24, which float32 would round. Groups of channels must
each be a multiple of 64. Every other layer's weight stays in bytes, and is unpacked while the layer runs.

A stage is fused where its neurons are leaky, start at 0 and fire on their own current: then no current of a whole layer
is ever written down. Others take the packed layer's currents and run their law in PyTorch.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from spikewright.ann.ops.layout import per_channel
from spikewright.ann.ops.products import Conv, Linear
from spikewright.engines.packed import neurons
from spikewright.engines.packed import sums as kernels
from spikewright.engines.packed.values import Grain
from spikewright.engines.program import Instruction, Program, StageInstruction
from spikewright.snn.formats.packing import unpack
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.plan import Plan

EXACT = 2**24  # float32 holds every integer up to here
_RESETS = {"soft": neurons.SOFT, "hard": neurons.HARD, "delayed": neurons.DELAYED}


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A 1-bit layer that runs from words."""

    source: str  # the node it reads
    words: np.ndarray  # uint64 [O, K]
    window: kernels.Window
    groups: int
    gains: np.ndarray  # float32 [1, O]
    shape: tuple[int, ...]  # of what it makes


@dataclass(frozen=True, slots=True, eq=False)
class Loose:
    """A stored weight that is unpacked where it is wanted."""

    octets: Tensor  # uint8, as `snn/formats/packing.py` lays them out
    bits: int
    shape: tuple[int, ...]

    def weight(self) -> Tensor:
        """The integers, float32."""
        return unpack(self.octets, self.bits, self.shape).float()


class Term(NamedTuple):
    """One part of a stage's current."""

    kind: Literal["sums", "spikes", "currents"]
    source: str  # the layer; the node that spikes; the node whose value it is, or the stage itself
    gains: np.ndarray  # float32 [factors, O]


@dataclass(frozen=True, slots=True, eq=False)
class FusedStage:
    """A stage whose neurons fire tile by tile."""

    terms: tuple[Term, ...]
    bias: np.ndarray  # float32 [O]
    neuron: neurons.Neuron
    membranes: np.dtype  # what a membrane is between steps


def shapes_of(plan: Plan) -> dict[str, tuple[int, ...]]:
    """The shapes of all values, without the batch."""
    return plan.shapes


def make_layer(instruction: Instruction, given: tuple[int, ...], grain: Grain | None, loose: Loose) -> Layer | None:
    """The layer that runs from words, or None where it cannot.

    Args:
        instruction: a node with stored weights.
        given: the shape of what it reads, without the batch.
        grain: of what it reads.
        loose: its weight.
    """
    node, op = instruction.node, instruction.node.op
    gains = None if instruction.after is None else per_channel(instruction.after, (loose.shape[0], *node.shape[1:]))
    if (
        node.weights is None
        or node.weights.bits != 1
        or grain is None
        or gains is None
        or instruction.gain(0) is not None
    ):
        return None
    if type(op) is Linear and len(given) == 1:
        groups, made, window = 1, node.shape, kernels.Window(1, 1, 1, 1, 1, 1, 0, 0, 1, 1)
    elif type(op) is Conv and op.space == 2 and op.outputs_come_first:
        groups = op.groups
        # not the node's shape: max pools may come before it fires
        geometry = zip(given[1:], loose.shape[2:], op.stride, op.padding, op.dilation, strict=True)
        space = [(size + 2 * pad - apart * (kernel - 1) - 1) // skip + 1 for size, kernel, skip, pad, apart in geometry]
        made = (loose.shape[0], *space)
        window = kernels.Window._make((*space, *loose.shape[2:], *op.stride, *op.padding, *op.dilation))
    else:
        return None
    channels, places = loose.shape[1], math.prod(loose.shape[2:])
    if (groups > 1 and channels % kernels.WORD) or channels * places * grain.top >= EXACT:
        return None
    words = np.empty((loose.shape[0], places * kernels.words_of(channels)), np.uint64)
    kernels.arrange(loose.octets.numpy(), channels, places, words)
    return Layer(node.inputs[0], words, window, groups, gains.numpy().reshape(1, -1).copy(), made)


def fuse_stage(
    program: Program, instruction: StageInstruction, layers: Mapping[str, Layer], grains: Mapping[str, Grain]
) -> FusedStage | None:
    """The fused stage, or None where its neurons or shapes are not those that kernels know."""
    node, firing = instruction.node, instruction.firing
    law = firing.law
    if type(law) is not Leaky or firing.before_firing or len(node.shape) not in (1, 3):
        return None
    started = instruction.initial is not None and bool(instruction.initial.any())
    if started or instruction.threshold is not None or (law.membrane is not None and law.membrane.squash):
        return None
    bias = torch.zeros(node.shape[0]) if instruction.bias is None else per_channel(instruction.bias, node.shape)
    if bias is None:
        return None
    one, stored = torch.ones(()), law.membrane
    neuron = neurons.Neuron(
        leak=np.float32(law.leak),
        threshold=np.float32(1),
        reset=_RESETS[law.reset],
        top=np.float32(0 if stored is None else stored.top(one).item()),
        step=np.float32(0 if stored is None else stored.step(one).item()),
        largest=np.float32(0 if stored is None else stored.largest),
    )
    membranes = np.float32 if stored is None else np.int8 if stored.bits <= 8 else np.int16
    terms = _terms(program, instruction, layers, grains)
    return FusedStage(terms, bias.contiguous().numpy().copy(), neuron, np.dtype(membranes))


def _terms(
    program: Program, instruction: Instruction, layers: Mapping[str, Layer], grains: Mapping[str, Grain]
) -> tuple[Term, ...]:
    node = instruction.node
    if node.name in layers:
        return (Term("sums", node.name, layers[node.name].gains),)
    stages = {other.name for other in program.plan.stages}
    shapes = shapes_of(program.plan)
    terms = []
    for index, name in enumerate(node.inputs):
        factor = instruction.gain(index)
        gain = torch.ones(1).expand(node.shape[0]) if factor is None else per_channel(factor, node.shape)
        plain = (node.op.adds or node.op.passes) and shapes[name] == node.shape and instruction.after is None
        if not plain or gain is None:
            return (_own(instruction),)
        gains = np.empty((0, node.shape[0]), np.float32) if factor is None else gain.numpy().reshape(1, -1).copy()
        if name in layers and name not in stages:
            terms.append(Term("sums", name, np.concatenate([layers[name].gains, gains])))
        elif grains.get(name) == Grain(1, 1):
            terms.append(Term("spikes", name, gains))
        else:
            terms.append(Term("currents", name, gains))
    return tuple(terms)


def _own(instruction: Instruction) -> Term:
    """What the node's own operation delivers; its factor is left to the tiles where it is one a channel."""
    channels = instruction.node.shape[0]
    after = None if instruction.after is None else per_channel(instruction.after, instruction.node.shape)
    gains = np.empty((0, channels), np.float32) if after is None else after.numpy().reshape(1, -1).copy()
    return Term("currents", instruction.node.name, gains)
