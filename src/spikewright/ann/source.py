"""The captured source network: the user's own graph, batch norm unfolded, as plain data.

A `Source` is what `capture` makes of a module and what training, statistics, conversion and the reference
read. It is a topological list of nodes with dotted names from the user's model, and a mapping of arrays.
It builds and runs without the user's code. Knows nothing about spikes or timesteps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from torch import Tensor

from spikewright.ann.kinds import OneOf
from spikewright.ann.ops import Activating, Operation
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


INPUT = "input"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Source:
    """A network as captured: `nodes` in topological order, the last one is the output; `INPUT` names the input."""

    input_shape: tuple[int, ...]
    nodes: tuple[SourceNode, ...]
    arrays: Mapping[str, Tensor]
    preparation: InputPreparation | None = None

    def __post_init__(self) -> None:
        for name, array in self.arrays.items():
            if array.is_floating_point() and not bool(array.isfinite().all()):
                bad = int((~array.isfinite()).sum())
                raise BadModel(
                    f"array {name!r} holds {bad} values that are not finite (NaN or infinity): mend the weights first"
                )

    def __repr__(self) -> str:
        count = sum(array.numel() for array in self.arrays.values())
        shapes = f"{list(self.input_shape)} → {list(self.output_shape) if self.nodes else []}"
        return f"Source({len(self.nodes)} nodes, {len(self.activations)} activations, {shapes}, {count:,} parameters)"

    @property
    def output(self) -> str:
        """The name of the output node."""
        return self.nodes[-1].name

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one sample's output."""
        return self.nodes[-1].shape

    @property
    def activations(self) -> tuple[SourceNode, ...]:
        """The activation nodes, first to last."""
        return tuple(node for node in self.nodes if isinstance(node.op, Activating))

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in: that of its arrays, float32 where it has none."""
        return next((array.dtype for array in self.arrays.values() if array.is_floating_point()), torch.float32)

    def inputs_of(self, batch: Tensor, what: str) -> Tensor:
        """A batch [N, *input_shape] as the network takes it, in its own precision.

        Args:
            batch: prepared inputs.
            what: what they are for, which a refusal begins with.

        Raises:
            BadData: of another shape, or whole numbers.
        """
        if tuple(batch.shape[1:]) != self.input_shape or not batch.dim():
            raise BadData(
                f"{what}: inputs have shape {tuple(batch.shape[1:])}, the network takes {self.input_shape}: "
                "resize them, or capture the model with an example of that shape"
            )
        if not batch.is_floating_point():
            raise BadData(f"{what}: inputs are {batch.dtype}, not numbers in floating point: normalise them first")
        return batch.to(self.dtype)

    @property
    def consumers(self) -> dict[str, list[SourceNode]]:
        """Who reads each node's value."""
        readers: dict[str, list[SourceNode]] = {INPUT: [], **{node.name: [] for node in self.nodes}}
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
