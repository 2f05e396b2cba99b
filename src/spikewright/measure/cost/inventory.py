"""What a spiking network is made of, and what of it is still multiplied: read off its plan by what each part says.

A stage is named by its neuron's law, a node that is not linear by its operation; so what is added to the library is
counted without a word here. Knows nothing about how often anything spikes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from spikewright.measure.cost.fan_out import fan_out
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The parts of a network.

    Attributes:
        stages: how many stages fire.
        stages_by_law: the same by the law of their neurons.
        nodes: all nodes, those that pass numbers on included.
        graded_nodes: nodes that are not linear and do not fire: they are computed with numbers.
        graded_by_operation: the same by their operation.
        macs_per_sample: multiplications with numbers that are no spikes; those of the first layer with a graded input
            are among them.
        macs_by_node: the same by node, where there are any.
        macs_dense_per_sample: multiplications of all matrix products and convolutions, run as an ANN.
    """

    stages: int
    stages_by_law: Mapping[str, int]
    nodes: int
    graded_nodes: int
    graded_by_operation: Mapping[str, int]
    macs_per_sample: int
    macs_by_node: Mapping[str, int]
    macs_dense_per_sample: int

    def to_json(self) -> dict[str, Any]:
        """The counts as plain data."""
        return asdict(self)


def inventory(blueprint: Blueprint) -> Inventory:
    """Count the parts of a network."""
    nodes = blueprint.plan.nodes
    laws = _counted(node.firing.law.kind for node in blueprint.plan.stages)
    graded = _counted(node.op.kind for node in nodes if not isinstance(node, Stage) and not node.op.linear)
    found = fan_out(blueprint)
    return Inventory(
        stages=sum(laws.values()),
        stages_by_law=laws,
        nodes=len(nodes),
        graded_nodes=sum(graded.values()),
        graded_by_operation=graded,
        macs_per_sample=found.macs_per_sample,
        macs_by_node=dict(found.macs_by_node),
        macs_dense_per_sample=found.macs_dense_per_sample,
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    """How often each name is there, the most frequent first."""
    return dict(Counter(names).most_common())
