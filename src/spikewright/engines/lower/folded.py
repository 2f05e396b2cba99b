"""Folding: a blueprint's value-scale arrays into each stage's own unit, in float64.

A weight absorbs what a spike of the stage before is worth (on its inputs) and one over its own stage's unit
(on its outputs), so that thresholds become the integers w[t] and no division by the unit is left to round.
Where a factor has no weight to go to it stays beside the operation. What each operation does is in `folding/`.
Knows nothing about engines.
"""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from spikewright.ann.ops.rules import gathered
from spikewright.engines.lower.folding import ONE, same
from spikewright.engines.program import InstructionArrays, Program, instruction_of
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Node, Stage

FOLDING = gathered("folding", "spikewright.engines.lower.folding", of_plans=True)


def fold(blueprint: Blueprint, *, dtype: torch.dtype = torch.float32, integers: bool = True) -> Program:
    """Make a blueprint runnable in floating point; folded in float64, then cast.

    Without `integers` the steps do not hold the weights that are stored so: whoever runs them brings them.

    Raises:
        UnsupportedModule: an operation that folding has no rule for.
    """
    left_out = {f"{node.name}.weight" for node in blueprint.plan.nodes if node.weights is not None and not integers}
    arrays = {name: array.double() for name, array in blueprint.arrays.items() if name not in left_out}
    units, readouts = (
        {each.name: ONE for each in blueprint.plan.inputs},
        {each.node for each in blueprint.plan.readouts},
    )
    targets = _targets(blueprint, arrays)
    instructions = []
    for node in blueprint.plan.nodes:
        inputs = [units[name] for name in node.inputs]
        own = _own_unit(node, inputs, arrays, targets, readouts)
        instructions.append(instruction_of(node, _fold_node(node, inputs, own, arrays)))
        units[node.name] = arrays[f"{node.name}.amplitude"] if isinstance(node, Stage) else own
    return Program(blueprint.plan, instructions).to(dtype)


def _targets(blueprint: Blueprint, arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The unit that a graded node had best be measured in: that of the one stage which reads it."""
    readers = blueprint.plan.consumers
    targets: dict[str, Tensor] = {}
    for node in reversed(blueprint.plan.nodes):
        if isinstance(node, Stage):
            targets[node.name] = arrays[f"{node.name}.threshold"]
        elif FOLDING[node.op].adopts_unit and len(readers[node.name]) == 1:
            reader = readers[node.name][0]
            if reader.op.adds and reader.name in targets and reader.shape == node.shape:
                targets[node.name] = targets[reader.name]
    return targets


def _own_unit(
    node: Node,
    inputs: list[Tensor],
    arrays: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
    readouts: Collection[str],
) -> Tensor:
    if isinstance(node, Stage):
        return arrays[f"{node.name}.threshold"]
    if node.name in readouts:
        return ONE
    if FOLDING[node.op].passes_unit and all(same(unit, inputs[0]) for unit in inputs):
        return inputs[0] if inputs[0].numel() == 1 else ONE
    return targets.get(node.name, ONE)


def _fold_node(node: Node, inputs: list[Tensor], own: Tensor, arrays: Mapping[str, Tensor]) -> InstructionArrays:
    instruction = InstructionArrays()
    FOLDING[node.op].fold(instruction, node, inputs, own, arrays)
    bias = arrays.get(f"{node.name}.bias")
    instruction.bias = None if bias is None else bias / own
    if isinstance(node, Stage):
        instruction.initial = arrays[f"{node.name}.initial_potential"] / own
        instruction.before = _fold_before(node, own, arrays)
        instruction.law = {role: arrays[f"{node.name}.{role}"] / own for role in node.firing.law.arrays}
    return instruction


def _fold_before(
    stage: Stage, own: Tensor, arrays: Mapping[str, Tensor]
) -> tuple[tuple[Tensor | None, Tensor | None], ...]:
    folded: list[tuple[Tensor | None, Tensor | None]] = []
    for index, op in enumerate(stage.firing.before_firing):
        if op.scales:
            bias = arrays[f"{stage.name}.before{index}.bias"] / own
            folded.append((arrays[f"{stage.name}.before{index}.weight"], bias))
        else:
            folded.append((None, None))
    return tuple(folded)
