"""The conversion errors of every stage of a network, measured while it runs, part by part.

Stage by stage, what the source's pre-activation is, what the stage accumulates and what it emits are handed to
`conversion_errors`. The network runs step by step in float64, as its own spikes drive it.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.source import Source, SourceNode
from spikewright.engines.network import build
from spikewright.engines.program import Step
from spikewright.engines.record import Record
from spikewright.engines.stepwise import walk
from spikewright.errors import BadData
from spikewright.measure.conversion_error.kinds import ErrorFigures, ErrorTally, conversion_errors
from spikewright.measure.equality.quantised_source import activations_of
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Node
from spikewright.snn.schedules import Drive


def stage_errors(blueprint: Blueprint, source: Source, batches: Iterable[Tensor]) -> dict[str, dict[str, ErrorFigures]]:
    """The error figures of each stage, by stage and part (`conversion_errors.PARTS`).

    Args:
        blueprint: the network; every stage stands for one activation.
        source: what it was converted from.
        batches: prepared inputs [N, *input_shape].

    Raises:
        BadData: no inputs.
    """
    network = build(blueprint, dtype=torch.float64)
    arrays = {name: array.double() for name, array in source.arrays.items()}
    behind = {stage: names[0] for stage, names in activations_of(blueprint, source).items()}
    before = {node.name: node.inputs[0] for node in source.activations}
    tallies = {node.name: ErrorTally() for node in blueprint.plan.stages}
    warmup = blueprint.plan.warmup

    for x in batches:
        values: dict[str, Tensor] = {}

        def watch(node: SourceNode, value: Tensor, held: dict[str, Tensor] = values) -> None:
            if node.name in before.values():
                held[node.name] = value

        def revise(step: Step, drive: Drive, record: Record, held: dict[str, Tensor] = values) -> None:
            node = step.node
            assert node.firing is not None
            unit = blueprint.arrays[f"{node.name}.threshold"].double()
            total = drive.currents[warmup:].sum(0)
            total = total if drive.bias is None else total + drive.bias
            errors = conversion_errors(
                _pooled(node, held[before[behind[node.name]]]),
                total / drive.threshold * unit,
                record.codes * blueprint.arrays[f"{node.name}.amplitude"].double(),
                threshold=unit * node.firing.code.levels,
                levels=node.firing.code.levels,
                initial=blueprint.arrays[f"{node.name}.initial_potential"].double(),
            )
            tallies[node.name] = tallies[node.name].add(errors)

        with torch.no_grad():
            interpreter.run(source, x.double(), arrays=arrays, watch=watch)
            for _ in walk(network.program, x.double(), revise=revise):
                pass
    if not next((tally.values for tally in tallies.values()), 1):
        raise BadData("stage errors need at least one input, got none: give a data set that is not empty")
    return {stage: tally.figures() for stage, tally in tallies.items()}


def _pooled(node: Node, z: Tensor) -> Tensor:
    """The pre-activation where the stage emits it: after the max pools that follow the activation."""
    assert node.firing is not None
    pools = [op for op in node.firing.before_firing if not op.scales]
    while tuple(z.shape[1:]) != node.shape and pools:
        z = pools.pop(0)([z])
    return z
