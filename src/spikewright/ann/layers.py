"""Which layers of a network are its first and its last."""

from spikewright.ann.ops import Activating, Product
from spikewright.ann.source import Source


def first_and_last(source: Source) -> tuple[frozenset[str], frozenset[str]]:
    """Names of the nodes with weights that make up the first and the last layer; one may be in both.

    In the first are those that the input reaches with no activation between, in the last those that reach the output
    so: a chain of convolutions without activations, and what stands side by side, is one layer. Activations at the very
    end belong to the output.
    """
    weighted = {node.name for node in source.nodes if isinstance(node.op, Product)}
    from_input, to_output = set(source.value_shapes), set[str]()
    nodes = {node.name: node for node in source.nodes}
    for output in source.outputs:
        end = nodes[output.node]
        while isinstance(end.op, Activating) and end.inputs[0] in nodes:  # neurons that are read out
            end = nodes[end.inputs[0]]
        to_output.add(end.name)
    for node in source.nodes:
        if not isinstance(node.op, Activating) and from_input.intersection(node.inputs):
            from_input.add(node.name)
    for node in reversed(source.nodes):
        if node.name in to_output and not isinstance(node.op, Activating):
            to_output.update(node.inputs)
    return frozenset(weighted & from_input), frozenset(weighted & to_output)
