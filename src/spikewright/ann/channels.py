"""Which axis of each value of a network is that of its channels: what a threshold "per channel" is one for each of.

A convolution makes [channels, *space], a matrix product [*places, features]; what moves or averages values takes the
axis along. Axes are counted among the features, without the batch.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from spikewright.ann.ops import Operation, Shape
from spikewright.ann.source import INPUT


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


def channel_axes(nodes: Iterable[Makes], input_shape: Shape) -> Mapping[str, int]:
    """By node, and for the input: its axis of channels; 0 where the operation leaves none.

    Args:
        nodes: in topological order.
        input_shape: of one input, whose first axis is its channels'.
    """
    axes, shapes = {INPUT: 0}, {INPUT: tuple(input_shape)}
    for node in nodes:
        read = node.inputs[0]
        axes[node.name] = node.op.channel_axis(axes[read], shapes[read], node.shape)
        shapes[node.name] = tuple(node.shape)
    return axes


def by_channel(count: int, axis: int, rank: int) -> Shape:
    """The shape in which one number a channel broadcasts to features of that rank."""
    return (*(1,) * axis, count, *(1,) * (rank - 1 - axis)) if rank else ()
