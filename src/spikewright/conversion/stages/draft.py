"""A source network on its way to stages: its nodes by name, to be merged and moved, with arrays in float64.

Batch norm is a gain and a constant of its own here; a weight that is stored as integers keeps them, and has its scale
beside it. Knows nothing about what fires.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from spikewright.ann.ops import Operation, Product
from spikewright.ann.ops.activations import BatchNorm, Offset
from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.moves import Identity
from spikewright.ann.ops.products import Conv
from spikewright.ann.source import INPUT, Source
from spikewright.snn.formats.stored import Stored
from spikewright.snn.nodes import AnyFormat


@dataclass(slots=True)
class Draft:
    """A source network on its way to stages, in float64."""

    source: Source
    op: dict[str, Operation] = field(default_factory=dict)
    inputs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shape: dict[str, tuple[int, ...]] = field(default_factory=dict)
    weight: dict[str, Tensor] = field(default_factory=dict)
    constant: dict[str, Tensor] = field(default_factory=dict)  # total constant of each linear node's value
    own: dict[str, Tensor] = field(default_factory=dict)  # the constant a node adds itself
    label: dict[str, str] = field(default_factory=dict)  # the name to go by: of the layer that holds the weight
    format: dict[str, AnyFormat] = field(default_factory=dict)  # of weights that are stored as integers
    gain: dict[str, Tensor] = field(default_factory=dict)  # what their results are multiplied by, [channels]

    def readers(self) -> dict[str, list[str]]:
        """Who reads each node's value, as the nodes stand now."""
        found: dict[str, list[str]] = {name: [] for name in (INPUT, *self.op)}
        for name, inputs in self.inputs.items():
            for read in inputs:
                found[read].append(name)
        return found


def load(source: Source, stored: Mapping[str, Stored]) -> Draft:
    """Take a source apart, which stays as it is; `stored` gives nodes weights of integers in place of their own."""
    draft = Draft(source)
    draft.shape[INPUT] = source.input_shape
    for node in source.nodes:
        name, op = node.name, node.op
        roles = {role: source.arrays[array].double() for role, array in node.arrays}
        draft.op[name], draft.inputs[name] = op, node.inputs
        draft.shape[name], draft.label[name] = node.shape, name
        spread = (-1, *(1,) * (len(node.shape) - 1))
        if isinstance(op, BatchNorm):
            gain = roles.get("weight", torch.ones_like(roles["mean"])) / (roles["variance"] + op.epsilon).sqrt()
            shift = roles.get("bias", torch.zeros_like(gain)) - roles["mean"] * gain
            draft.op[name] = Scale()
            draft.weight[name], draft.own[name] = gain.reshape(spread), shift.reshape(spread)
        elif isinstance(op, Offset):
            draft.op[name] = Identity()
            draft.own[name] = roles["offset"]
            if draft.shape[node.inputs[0]] != node.shape:  # the constant widens the signal
                draft.op[name] = Scale()
                draft.weight[name] = torch.ones(node.shape, dtype=torch.float64)
        elif op.weighted:
            draft.weight[name] = roles["weight"]
            if name in stored:
                assert isinstance(op, Product)
                draft.weight[name] = stored[name].integers.double()
                draft.format[name] = stored[name].format
                draft.gain[name] = stored[name].scale.double().reshape(-1).expand(op.out_channels(draft.weight[name]))
            if "bias" in roles:
                bias = roles["bias"]
                draft.own[name] = bias.reshape(spread) if isinstance(op, Conv) else bias
    return draft


def ordered(draft: Draft) -> list[str]:
    """The names in an order in which every node follows what it reads."""
    order: list[str] = []
    seen = {INPUT}

    def visit(name: str) -> None:
        pending = [name]
        while pending:
            top = pending[-1]
            missing = [read for read in draft.inputs[top] if read not in seen]
            if missing:
                pending.extend(missing)
                continue
            pending.pop()
            if top not in seen:
                seen.add(top)
                order.append(top)

    for name in draft.op:
        visit(name)
    return order
