"""A source network on its way to stages: its nodes by name, to be merged and moved, with arrays in float64.

Batch norm is a gain and a constant of its own here; a weight that is stored as integers keeps them, and has its scale
beside it. Knows nothing about what fires.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from spikewright.ann.ops import Operation
from spikewright.ann.ops.moves import Identity
from spikewright.ann.ops.rules import gathered
from spikewright.ann.source import Source
from spikewright.conversion.stages.parts import Part
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
    bias: dict[str, Tensor] = field(default_factory=dict)  # total constant of a graded node that it carries itself
    whole: dict[str, str] = field(default_factory=dict)  # by value: the identity that adds its constant
    pooled: set[str] = field(default_factory=set)  # max pools that no activation follows: computed with numbers
    label: dict[str, str] = field(default_factory=dict)  # the name to go by: of the layer that holds the weight
    format: dict[str, AnyFormat] = field(default_factory=dict)  # of weights that are stored as integers
    gain: dict[str, Tensor] = field(default_factory=dict)  # what their results are multiplied by, [channels]
    outputs: dict[str, str] = field(default_factory=dict)  # by node that is read out: the name of the output

    def readers(self) -> dict[str, list[str]]:
        """Who reads each node's value, as the nodes stand now."""
        found: dict[str, list[str]] = {name: [] for name in self.shape}
        for name, inputs in self.inputs.items():
            for read in inputs:
                found[read].append(name)
        return found


PARTS = gathered("staging", "spikewright.conversion.stages.parts")


def load(source: Source, stored: Mapping[str, Stored]) -> Draft:
    """Take a source apart, which stays as it is; `stored` gives nodes weights of integers in place of their own."""
    draft = Draft(source)
    draft.shape |= source.value_shapes
    for node in source.nodes:
        name = node.name
        roles = {role: source.arrays[array].double() for role, array in node.arrays}
        part = Part(node.op, roles, draft.shape[node.inputs[0]], node.shape, stored.get(name))
        taken = PARTS[node.op](part)
        draft.op[name], draft.inputs[name] = taken.op, node.inputs
        draft.shape[name], draft.label[name] = node.shape, name
        if taken.weight is not None:
            draft.weight[name] = taken.weight
        if taken.own is not None:
            draft.own[name] = taken.own
        if taken.gain is not None:
            draft.gain[name], draft.format[name] = taken.gain, stored[name].format
    _read_out(draft)
    return draft


def _read_out(draft: Draft) -> None:
    """A node of its own for every output: that of the source, if it does not fire and nothing else reads it."""
    source, readers = draft.source, draft.readers()
    for output in source.outputs:
        name, op = output.node, draft.op[output.node]
        alone = not readers[name] and name not in draft.outputs and not (op.activates or op.maximum)
        if source.named_outputs and not alone:
            name = f"readout.{output.name}"
            while name in draft.shape:
                name += "_"
            draft.op[name], draft.inputs[name], draft.label[name] = Identity(), (output.node,), name
            draft.shape[name] = draft.shape[output.node]
        draft.outputs[name] = output.name


def ordered(draft: Draft) -> list[str]:
    """The names in an order in which every node follows what it reads."""
    order: list[str] = []
    seen = set(draft.source.value_shapes)

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
