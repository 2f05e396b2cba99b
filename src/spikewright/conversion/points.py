"""Points: spike encoders in the middle of a network, in front of every product that would read numbers.

    code = sgn(x) · clip(⌊|x|/u + ½⌋, 0, L)       code = clip(⌊x/u + ½⌋, 0, L) where x is never negative (softmax)
A point is an activation that changes nothing, and fires where the network is converted: what the product reads are then
spikes, and its multiplications accumulations. They stand in front of matrix products, convolutions and products of two
matrices, where these read what another product or a graded operation made; the network's own inputs are left as they
are. Sums between points stay numbers, as residual streams are.

Source: none; the signed code is greedy firing of "When SNN meets ANN", Eq. 10, on magnitudes, with the sign held.
"""

from dataclasses import replace

from spikewright.ann.ops import Operation
from spikewright.ann.ops.activations import Activation
from spikewright.ann.ops.curves import Curve
from spikewright.ann.source import Source, SourceNode


def with_points(source: Source) -> Source:
    """The same function, with a point at every number that a product reads; networks without any stay as they are."""
    graded, positive = _made(source)
    points: dict[str, str] = {}
    taken = {node.name for node in source.nodes}
    nodes: list[SourceNode] = []
    shapes = source.shapes
    for node in source.nodes:
        if node.op.contracts:
            for name in node.inputs:
                if name in graded and name not in points:
                    points[name] = _free(f"{name}.point", taken)
                    op = Activation() if name in positive else Curve(function="identity", signed=True)
                    nodes.append(SourceNode(name=points[name], op=op, inputs=(name,), shape=shapes[name]))
            nodes.append(replace(node, inputs=tuple(points.get(name, name) for name in node.inputs)))
        else:
            nodes.append(node)
    return replace(source, nodes=tuple(nodes))


def _made(source: Source) -> tuple[set[str], set[str]]:
    """The nodes whose values are numbers that the network makes, and those that are never negative."""
    graded, positive = set[str](), set[str]()
    for node in source.nodes:
        op: Operation = node.op
        if op.activates:
            continue
        makes = op.contracts or not (op.linear or op.maximum)
        if makes or any(name in graded for name in node.inputs):
            graded.add(node.name)
        passes = op.moves or op.averages or op.maximum
        if op.nonnegative or (passes and all(name in positive for name in node.inputs)):
            positive.add(node.name)
    return graded, positive


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
