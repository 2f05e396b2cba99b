"""A plan in words, by which networks are told apart: what names campaigns and searches that are on disk.

So the text must stay what it is for every plan that it has ever been written for: each node in the words of the days
when a stage was a node whose firing was not None, and its codes stood for values of the source alone.
"""

from spikewright.snn.nodes import Node, Stage
from spikewright.snn.plan import Plan

_NOTHING_BEYOND = ", beyond=0)"  # a field that came later is in the text where it says something


def signature(plan: Plan) -> str:
    """The text of a plan; equal plans have equal ones, others have not."""
    nodes = ", ".join(_words(node) for node in plan.nodes)
    listed = f"nodes=({nodes}{',' if len(plan.nodes) == 1 else ''}))"
    if not _has_plain_ends(plan):
        inputs = [(each.name, each.shape, each.ids) for each in plan.inputs]
        outputs = [(each.name, each.node) for each in plan.readouts]
        return f"Plan(encoder={plan.encoder!r}, inputs={inputs!r}, readouts={outputs!r}, {listed}"
    return f"Plan(encoder={plan.encoder!r}, input_shape={plan.input_shape!r}, {listed}"


def _has_plain_ends(plan: Plan) -> bool:
    """Whether it has one input of real numbers, and one output, its last node."""
    read = [each.node for each in plan.readouts]
    return len(plan.inputs) == 1 and plan.inputs[0].ids is None and read == [plan.nodes[-1].name]


def _words(node: Node) -> str:
    firing = repr(node.firing) if isinstance(node, Stage) else "None"
    if firing.endswith(_NOTHING_BEYOND):
        firing = firing.removesuffix(_NOTHING_BEYOND) + ")"
    return (
        f"Node(name={node.name!r}, op={node.op!r}, edges={node.edges!r}, shape={node.shape!r}, firing={firing}, "
        f"weights={node.weights!r})"
    )
