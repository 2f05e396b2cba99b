"""Which axis of each value of a network is that of its channels: what a threshold "per channel" is one for each of.

A convolution makes [channels, *space], a matrix product [*places, features]; what moves or averages values takes the
axis along. Axes are counted among the features, without the batch.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from spikewright.ann.ops import Operation, Shape


class Makes(Protocol):
    """A node of a source or of a plan under way."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def op(self) -> Operation: ...  # noqa: D102
    @property
    def inputs(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def shape(self) -> Shape: ...  # noqa: D102


def channel_axes(
    nodes: Sequence[Makes], inputs: Mapping[str, Shape], known: Mapping[str, int] | None = None
) -> Mapping[str, int]:
    """By node, and for each input: its axis of channels; 0 where the operation leaves none.

    A value that is max-pooled along the axis of its features has the first axis instead: neurons fire after the pool,
    and one that fires for several features has no threshold of a single one's.

    Args:
        nodes: in topological order.
        inputs: shapes of one sample of each input, whose first axis is its channels', by name.
        known: the axes of some nodes, which are not to be worked out.
    """
    axes, shapes = dict.fromkeys(inputs, 0), {name: tuple(shape) for name, shape in inputs.items()}
    for node in nodes:
        read = node.inputs[0]
        found = None if known is None else known.get(node.name)
        axes[node.name] = node.op.channel_axis(axes[read], shapes[read], node.shape) if found is None else found
        shapes[node.name] = tuple(node.shape)
    pooled: set[str] = set()
    for node in reversed(nodes):
        if node.name in pooled:
            axes[node.name] = 0
            pooled.update(() if node.op.multiplies else node.inputs)
        elif node.op.maximum and axes[node.name] != axes[node.inputs[0]]:
            pooled.update(node.inputs)
    return axes


def by_channel(count: int, axis: int, rank: int) -> Shape:
    """The shape in which one number a channel broadcasts to features of that rank."""
    return (*(1,) * axis, count, *(1,) * (rank - 1 - axis)) if rank else ()
