"""The captured source network: the user's own graph, batch norm unfolded, as plain data.

A `Source` is what `capture` makes of a module and what training, statistics, conversion and the reference
read. It is a topological list of nodes with dotted names from the user's model, and a mapping of arrays.
It builds and runs without the user's code. Knows nothing about spikes or timesteps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from torch import Tensor

from spikewright.ann.ends import INPUT, Batch, Named, SourceInput, SourceOutput, gathered_inputs, in_type, tensors_of
from spikewright.ann.kinds import OneOf
from spikewright.ann.ops import Activating, Operation, Shape
from spikewright.data.preparation import InputPreparation
from spikewright.errors import BadData, BadModel

AnyOperation = Annotated[Operation, OneOf("spikewright.ann.ops")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNode:
    """One operation; `arrays` maps the role (weight, bias, mean, …) to a name in `Source.arrays`."""

    name: str
    op: AnyOperation
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    arrays: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Source:
    """A network as captured: `nodes` in topological order, which read inputs and each other by name.

    Attributes:
        inputs: what goes in; a single one is named `INPUT`.
        named_outputs: what comes out, where there is more than one output; else it is the last node.
        preparation: of the only input.
    """

    inputs: tuple[SourceInput, ...]
    nodes: tuple[SourceNode, ...]
    arrays: Mapping[str, Tensor]
    preparation: InputPreparation | None = None
    named_outputs: tuple[SourceOutput, ...] = ()

    @classmethod
    def of(
        cls,
        input_shape: Shape,
        nodes: tuple[SourceNode, ...],
        arrays: Mapping[str, Tensor],
        preparation: InputPreparation | None = None,
    ) -> "Source":
        """A network of one input of real numbers, whose last node is its output."""
        return cls((SourceInput(name=INPUT, shape=tuple(input_shape)),), nodes, arrays, preparation)

    def __post_init__(self) -> None:
        for name, array in self.arrays.items():
            if array.is_floating_point() and not bool(array.isfinite().all()):
                bad = int((~array.isfinite()).sum())
                raise BadModel(
                    f"array {name!r} holds {bad} values that are not finite (NaN or infinity): mend the weights first"
                )

    def __repr__(self) -> str:
        count = sum(array.numel() for array in self.arrays.values())
        takes = ", ".join(str(list(each.shape)) for each in self.inputs)
        gives = ", ".join(str(list(self.shapes[each.node])) for each in self.outputs)
        shapes = f"{takes} → {gives or []}"
        return f"Source({len(self.nodes)} nodes, {len(self.activations)} activations, {shapes}, {count:,} parameters)"

    @property
    def outputs(self) -> tuple[SourceOutput, ...]:
        """What comes out, by name; a single one is named "output"."""
        return self.named_outputs or tuple(SourceOutput(node=node.name) for node in self.nodes[-1:])

    @property
    def output(self) -> str:
        """The name of the only output's node.

        Raises:
            BadModel: there are several outputs.
        """
        if len(self.outputs) != 1:
            names = ", ".join(repr(each.name) for each in self.outputs)
            raise BadModel(
                f"the network has {len(self.outputs)} outputs ({names}), and one is needed here: wrap the model so "
                "that it returns one, or use its outputs in Python"
            )
        return self.outputs[0].node

    @property
    def output_shape(self) -> Shape:
        """Shape of one sample of the only output.

        Raises:
            BadModel: there are several outputs.
        """
        return self.shapes[self.output]

    @property
    def input(self) -> SourceInput:
        """The only input.

        Raises:
            BadModel: there are several.
        """
        if len(self.inputs) != 1:
            names = ", ".join(repr(each.name) for each in self.inputs)
            raise BadModel(
                f"the network has {len(self.inputs)} inputs ({names}), and data sets have one: in Python, sw.convert, "
                "sw.verify and sw.evaluate take batches that are tuples or dicts"
            )
        return self.inputs[0]

    @property
    def input_shape(self) -> Shape:
        """Shape of one sample of the only input.

        Raises:
            BadModel: there are several inputs.
        """
        return self.input.shape

    @property
    def value_shapes(self) -> dict[str, Shape]:
        """Shape of one sample of each input, as nodes read it, by name."""
        return {each.name: each.value_shape for each in self.inputs}

    @property
    def shapes(self) -> dict[str, Shape]:
        """Shape of one sample of each value, by name: inputs and nodes."""
        return {**self.value_shapes, **{node.name: node.shape for node in self.nodes}}

    @property
    def activations(self) -> tuple[SourceNode, ...]:
        """The activation nodes, first to last."""
        return tuple(node for node in self.nodes if isinstance(node.op, Activating))

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in: that of its arrays, float32 where it has none."""
        return next((array.dtype for array in self.arrays.values() if array.is_floating_point()), torch.float32)

    def inputs_of(self, batch: Any, what: str) -> Batch:
        """A batch as the network takes it, real numbers in its own precision.

        Args:
            batch: prepared inputs [N, *shape]; of several a tuple or a dict.
            what: what they are for, which a refusal begins with.

        Raises:
            BadData: of another shape or kind.
        """
        found = self.fitting(batch, what)
        for each, tensor in zip(self.inputs, tensors_of(found), strict=True):
            if tensor.is_floating_point() == (each.ids is not None):
                wanted = "numbers in floating point: normalise them first" if each.ids is None else "ids: give x.long()"
                raise BadData(f"{what}: inputs are {tensor.dtype}, not {wanted}")
        return in_type(found, self.dtype)

    def fitting(self, batch: Any, what: str) -> Batch:
        """As `inputs_of`, of whatever type.

        Raises:
            BadData: of another shape.
        """
        found = gathered_inputs([each.name for each in self.inputs], batch, what)
        for each, tensor in zip(self.inputs, tensors_of(found), strict=True):
            which = "inputs have" if len(self.inputs) == 1 else f"input {each.name!r} has"
            if tuple(tensor.shape[1:]) != each.shape or not tensor.dim():
                raise BadData(
                    f"{what}: {which} shape {tuple(tensor.shape[1:])}, the network takes {each.shape}: "
                    "resize them, or capture the model with an example of that shape"
                )
        return found

    def given_back(self, values: Mapping[str, Tensor]) -> Batch:
        """The outputs, of all nodes' values: a tensor where there is one, else all by name."""
        if not self.named_outputs:
            return values[self.output]
        return Named({each.name: values[each.node] for each in self.named_outputs})

    @property
    def consumers(self) -> dict[str, list[SourceNode]]:
        """Who reads each node's value."""
        readers: dict[str, list[SourceNode]] = {name: [] for name in self.shapes}
        for node in self.nodes:
            for name in node.inputs:
                readers[name].append(node)
        return readers

    def array(self, node: SourceNode, role: str) -> Tensor | None:
        """The array that plays `role` in a node, or None."""
        name = dict(node.arrays).get(role)
        return None if name is None else self.arrays[name]

    def with_preparation(self, preparation: InputPreparation) -> "Source":
        """The same network with another input preparation."""
        return replace(self, preparation=preparation)
