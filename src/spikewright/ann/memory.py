"""How many samples may pass a source network at once within so much memory.

    values that are live at a node, its own twice (what it makes, and what it makes it from), at their most
Weights are not counted: they are in memory whatever passes.
"""

from math import prod

from spikewright.ann.source import Source

AT_ONCE = 2**29  # bytes of values, and trains, that are in memory at one time


def numbers_at_once(source: Source) -> int:
    """The most numbers that one sample has in memory at any node of `interpreter.run`."""
    last_use = {name: node.name for node in source.nodes for name in node.inputs}
    last_use |= dict.fromkeys((each.node for each in source.outputs), "")
    live, most = {name: prod(shape) for name, shape in source.value_shapes.items()}, 0
    for node in source.nodes:
        own = prod(node.shape)
        most = max(most, sum(live.values()) + 2 * own)
        live[node.name] = own
        for name in set(node.inputs):
            if last_use[name] == node.name:
                del live[name]
    return max(1, most)


def samples_at_once(source: Source, limit: int) -> int:
    """How many samples' values fit into `limit` bytes, at least 1."""
    size = max((array.element_size() for array in source.arrays.values()), default=4)
    return max(1, limit // (numbers_at_once(source) * size))
