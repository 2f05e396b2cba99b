"""A source network made ready to spike: activations are places for neurons, max pools stand before them.

    max-pool(act(z)) = act(max-pool(z)) for the source; of the spiking network it is the right-hand side that is
    built: each step's current is pooled, then the neurons fire
So no value between neurons is anything but a sum of spikes. Knows nothing about neurons or training.
"""

from collections.abc import Sequence
from dataclasses import replace

from spikewright.ann.layers import first_and_last
from spikewright.ann.ops import Activating, Averaging, Maximum, Moving, Operation, Product
from spikewright.ann.ops.activations import Activation
from spikewright.ann.source import INPUT, Source, SourceNode
from spikewright.conversion.stages.stage import stage
from spikewright.conversion.stages.staged import StagedNode
from spikewright.errors import BadModel

READOUT_NEURONS = "readout_neurons"


def spiking_source(source: Source, *, biases: bool = True, firing_readout: bool = False) -> Source:
    """Arrange a captured network for direct training.

    Args:
        source: the network; the levels and caps of its activations are dropped, as neurons take their place.
        biases: whether matrix products and convolutions keep theirs.
        firing_readout: neurons after the last layer, whose spikes are the output.

    Raises:
        BadModel: no activation, a max pool of spikes that cannot stand before the neurons, or what is computed of
            numbers: norms of a sample's own values, gates, softmax.
        UnsupportedModule: as `staging.stage` says.
    """
    if source.input.ids is not None:
        raise BadModel("the network takes ids, and spiking networks are trained directly on real numbers: convert it")
    nodes = [_plain(node, biases=biases) for node in source.nodes]
    output = source.output
    if firing_readout and not isinstance(nodes[-1].op, Activating):
        nodes.append(SourceNode(name=READOUT_NEURONS, op=Activation(), inputs=(output,), shape=nodes[-1].shape))
        output = READOUT_NEURONS
    nodes = _pools_first(nodes)
    if not any(isinstance(node.op, Activating) for node in nodes):
        raise BadModel("the network has no ReLU that a neuron could take the place of: add activations")
    _refuse_pooled_spikes(nodes)
    live = _live(nodes, output)
    nodes = [node for node in nodes if node.name in live]
    used = {name for node in nodes for _, name in node.arrays}
    arrays = {name: array for name, array in source.arrays.items() if name in used}
    arranged = replace(source, nodes=tuple(nodes), arrays=arrays)
    _refuse_numbers(stage(arranged))  # what could not be frozen is refused before it is trained
    return arranged


def weighted_layers(source: Source) -> dict[str, bool]:
    """The nodes that have a weight to store, and whether each is an edge of the network: first or last.

    What the first and the last layer are is `ann.layers.first_and_last`'s to say: one rule for what is trained
    and what is counted.
    """
    first, last = first_and_last(source)
    found = [node for node in source.nodes if isinstance(node.op, Product)]
    return {node.name: node.name in first | last for node in found}


def _plain(node: SourceNode, *, biases: bool) -> SourceNode:
    if isinstance(node.op, Activating):
        return replace(node, op=Activation(), arrays=())
    if not biases and isinstance(node.op, Product):
        return replace(node, arrays=tuple((role, name) for role, name in node.arrays if role != "bias"))
    return node


def _is_pool(op: Operation) -> bool:
    return isinstance(op, Maximum)


def _pools_first(nodes: list[SourceNode]) -> list[SourceNode]:
    """Every max pool of an activation as the activation of a max pool; the value keeps its name."""
    made: dict[str, SourceNode] = {}
    taken = {node.name for node in nodes}
    for node in nodes:
        before = made.get(node.inputs[0])
        if _is_pool(node.op) and before is not None and isinstance(before.op, Activating):
            current = f"{node.name}.current"
            while current in taken:
                current += "_"
            taken.add(current)
            made[current] = replace(node, name=current, inputs=before.inputs)
            made[node.name] = SourceNode(name=node.name, op=Activation(), inputs=(current,), shape=node.shape)
        else:
            made[node.name] = node
    return list(made.values())


def _maps(op: Operation) -> bool:
    """Whether it is a gain or a constant; training may turn the sign of one."""
    return op.scales or op.normalises or op.offsets


def _refuse_pooled_spikes(nodes: list[SourceNode]) -> None:
    spikes: set[str] = set()
    for node in nodes:
        reads = any(name in spikes for name in node.inputs)
        if isinstance(node.op, Activating) or (reads and (isinstance(node.op, Moving | Averaging) or _maps(node.op))):
            spikes.add(node.name)
        elif _is_pool(node.op) and reads:
            raise BadModel(
                f"max pool {node.name!r} reads spikes that were joined, averaged, scaled or normalised: pool each "
                "activation itself, or use average pooling"
            )


def _refuse_numbers(staged: Sequence[StagedNode]) -> None:
    for node in staged:
        if not node.op.linear:
            raise BadModel(
                f"node {node.name!r}: operation {node.op.kind!r} is computed of a window's total, and neurons that are "
                "trained directly have none: put nn.ReLU before a max pool, remove a norm or gate, or convert"
            )


def _live(nodes: list[SourceNode], output: str) -> set[str]:
    inputs = {node.name: node.inputs for node in nodes}
    live, pending = {INPUT}, [output]
    while pending:
        name = pending.pop()
        if name not in live:
            live.add(name)
            pending.extend(inputs[name])
    return live
