"""A network of which one output is read: what only the others need is left out, and no fault strikes it."""

from dataclasses import replace

from spikewright.ann.source import Source
from spikewright.measure.accuracy import output_of
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.ends import Readout
from spikewright.snn.plan import Plan


def reading(network: Blueprint | Source, asked: str | None) -> Blueprint | Source:
    """The network as it tells classes; as it is where it has one output.

    Args:
        network: with one output or several.
        asked: the name of one of several; None takes the only one that holds scores of classes.

    Raises:
        BadModel: several could be meant, or none.
        BadSetting: there is no output of that name.
    """
    if isinstance(network, Source):
        shapes = {each.name: network.shapes[each.node] for each in network.outputs}
        alone = len(shapes) == 1
        return network if alone and asked in (None, *shapes) else _source(network, output_of(shapes, asked, "inject"))
    shapes = {name: node.shape for name, node in network.plan.outputs.items()}
    alone = len(shapes) == 1
    return network if alone and asked in (None, *shapes) else _blueprint(network, output_of(shapes, asked, "inject"))


def _source(source: Source, name: str) -> Source:
    end = next(each.node for each in source.outputs if each.name == name)
    needed = _needed({node.name: node.inputs for node in source.nodes}, end)
    nodes = tuple(node for node in source.nodes if node.name in needed)
    used = {array for node in nodes for _, array in node.arrays}
    arrays = {array: value for array, value in source.arrays.items() if array in used}
    return replace(source, nodes=nodes, arrays=arrays, named_outputs=())


def _blueprint(blueprint: Blueprint, name: str) -> Blueprint:
    plan = blueprint.plan
    end = plan.outputs[name]
    needed = _needed({node.name: node.inputs for node in plan.nodes}, end.name)
    nodes = tuple(
        replace(node, shares=None) if node.shares not in (None, *needed) else node
        for node in plan.nodes
        if node.name in needed
    )
    arrays = {array: value for array, value in blueprint.arrays.items() if _owner(array, needed)}
    return Blueprint(Plan(inputs=plan.inputs, nodes=nodes, readouts=(Readout(node=end.name),)), arrays)


def _owner(array: str, needed: set[str]) -> bool:
    """Whether an array is of a node that is needed: `{node}.weight`, `{node}.before0.bias`."""
    stem = array.rpartition(".")[0]
    return stem in needed or stem.rpartition(".")[0] in needed


def _needed(inputs: dict[str, tuple[str, ...]], end: str) -> set[str]:
    """The names of the end and of all that it follows from."""
    found, pending = set[str](), [end]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(inputs.get(name, ()))
    return found
