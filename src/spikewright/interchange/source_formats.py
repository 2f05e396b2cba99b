"""What source.json says, by format.

1    one input of real numbers by its shape, and the last node is the output
2    inputs and outputs by name: written where there are several, or ids
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from spikewright.ann.ends import SourceInput, SourceOutput
from spikewright.ann.source import Source, SourceNode
from spikewright.data.preparation import InputPreparation

PLAIN, NAMED = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """Format 1."""

    format: int
    input_shape: tuple[int, ...]
    nodes: tuple[SourceNode, ...]
    preparation: InputPreparation | None
    about: dict[str, Any]

    def source(self, arrays: Mapping[str, Tensor]) -> Source:
        """The network."""
        return Source.of(self.input_shape, self.nodes, arrays, self.preparation)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSourceFile:
    """Format 2."""

    format: int
    inputs: tuple[SourceInput, ...]
    outputs: tuple[SourceOutput, ...]
    nodes: tuple[SourceNode, ...]
    preparation: InputPreparation | None
    about: dict[str, Any]

    def source(self, arrays: Mapping[str, Tensor]) -> Source:
        """The network."""
        return Source(self.inputs, self.nodes, arrays, self.preparation, self.outputs)


KINDS: dict[Any, type[SourceFile | NamedSourceFile]] = {PLAIN: SourceFile, NAMED: NamedSourceFile}


def content_of(source: Source, about: dict[str, Any]) -> SourceFile | NamedSourceFile:
    """A source in the oldest format that can say all of it."""
    if len(source.inputs) == 1 and source.input.ids is None and not source.named_outputs:
        return SourceFile(
            format=PLAIN,
            input_shape=source.input_shape,
            nodes=source.nodes,
            preparation=source.preparation,
            about=about,
        )
    return NamedSourceFile(
        format=NAMED,
        inputs=source.inputs,
        outputs=source.named_outputs,
        nodes=source.nodes,
        preparation=source.preparation,
        about=about,
    )
