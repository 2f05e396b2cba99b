"""Folding: a blueprint's value-scale arrays into each stage's own unit, in float64.

A weight absorbs what a spike of the stage before is worth (on its inputs) and one over its own stage's unit
(on its outputs), so that thresholds become the integers w[t] and no division by the unit is left to round.
Where a factor has no weight to go to it stays beside the operation. Knows nothing about engines.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from spikewright.ann.ops import Averaging, Moving
from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.ann.ops.layout import per_channel, scale_inputs, scale_outputs
from spikewright.ann.ops.pools import AdaptiveMaxPool, MaxPool
from spikewright.ann.ops.products import Conv, Linear
from spikewright.ann.source import INPUT
from spikewright.engines.program import Program, Step, StepArrays
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Node

_ONE = torch.ones((), dtype=torch.float64)


def fold(blueprint: Blueprint, *, dtype: torch.dtype = torch.float32, integers: bool = True) -> Program:
    """Make a blueprint runnable in floating point; folded in float64, then cast.

    Without `integers` the steps do not hold the weights that are stored so: whoever runs them brings them.
    """
    left_out = {f"{node.name}.weight" for node in blueprint.plan.nodes if node.weights is not None and not integers}
    arrays = {name: array.double() for name, array in blueprint.arrays.items() if name not in left_out}
    units = {INPUT: _ONE}
    targets = _targets(blueprint, arrays)
    steps = []
    for node in blueprint.plan.nodes:
        inputs = [units[name] for name in node.inputs]
        own = _own_unit(node, inputs, arrays, targets, blueprint.plan.readout.name)
        steps.append(Step(node, _fold_node(node, inputs, own, arrays)))
        units[node.name] = arrays[f"{node.name}.amplitude"] if node.firing is not None else own
    return Program(blueprint.plan, steps).to(dtype)


def _targets(blueprint: Blueprint, arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The unit that a graded node had best be measured in: that of the one stage which reads it."""
    readers = blueprint.plan.consumers
    targets: dict[str, Tensor] = {}
    for node in reversed(blueprint.plan.nodes):
        if node.firing is not None:
            targets[node.name] = arrays[f"{node.name}.threshold"]
        elif isinstance(node.op, Linear | Conv | Add) and len(readers[node.name]) == 1:
            reader = readers[node.name][0]
            if isinstance(reader.op, Add) and reader.name in targets and reader.shape == node.shape:
                targets[node.name] = targets[reader.name]
    return targets


def _own_unit(
    node: Node, inputs: list[Tensor], arrays: Mapping[str, Tensor], targets: Mapping[str, Tensor], readout: str
) -> Tensor:
    if node.firing is not None:
        return arrays[f"{node.name}.threshold"]
    if node.name == readout:
        return _ONE
    if isinstance(node.op, Averaging | Moving) and all(_same(unit, inputs[0]) for unit in inputs):
        return inputs[0] if inputs[0].numel() == 1 else _ONE
    return targets.get(node.name, _ONE)


def _same(left: Tensor, right: Tensor) -> bool:
    return left.numel() == 1 and right.numel() == 1 and float(left) == float(right)


def _fold_node(node: Node, inputs: list[Tensor], own: Tensor, arrays: Mapping[str, Tensor]) -> StepArrays:
    step = StepArrays()
    if node.weights is not None:
        _fold_stored(step, inputs[0], own, arrays.get(f"{node.name}.weight"), arrays[f"{node.name}.gain"])
    elif isinstance(node.op, Linear | Conv):
        _fold_weight(step, node, inputs[0], own, arrays[f"{node.name}.weight"])
    elif isinstance(node.op, Scale):
        step.weight = arrays[f"{node.name}.weight"] * inputs[0] / own
    elif isinstance(node.op, Add):
        step.gains = tuple(_factor(unit / own) for unit in inputs)
    elif all(_same(unit, own) for unit in inputs):
        pass
    elif all(unit.numel() == 1 for unit in inputs) and own.numel() == 1:
        step.gains = tuple(_factor(unit / own) for unit in inputs)
    else:
        step.gains = tuple(_factor(unit) for unit in inputs)
        step.after = _factor(1 / own)
    bias = arrays.get(f"{node.name}.bias")
    step.bias = None if bias is None else bias / own
    if node.firing is not None:
        step.initial = arrays[f"{node.name}.initial_potential"] / own
        step.before = _fold_before(node, own, arrays)
    return step


def _fold_stored(step: StepArrays, unit: Tensor, own: Tensor, stored: Tensor | None, gain: Tensor) -> None:
    """Integers stay integers: what spikes are worth goes into the gain beside them, where it is one number."""
    step.weight = stored
    if unit.numel() != 1:
        step.gains = (unit,)
        unit = _ONE
    step.after = gain * unit.reshape(()) / own


def _fold_weight(step: StepArrays, node: Node, unit: Tensor, own: Tensor, weight: Tensor) -> None:
    assert isinstance(node.op, Linear | Conv)
    in_channels = _in_channels(node.op, weight)
    # A linear map reads its last axis, so only a plain vector of units can go into its weight
    plain = unit.numel() == 1 or not isinstance(node.op, Linear) or unit.dim() == 1
    on_inputs = per_channel(unit, (in_channels, *(1,) * (weight.dim() - 2))) if plain else None
    if on_inputs is None:
        step.gains = (unit,)
    else:
        weight = scale_inputs(node.op, weight, on_inputs)
    out_channels = weight.shape[0]
    if isinstance(node.op, Conv) and node.op.transposed:
        out_channels = weight.shape[1] * node.op.groups
    fits = own.numel() == 1 or not isinstance(node.op, Linear) or own.dim() == 1
    on_outputs = per_channel(1 / own, (out_channels, *(1,) * (weight.dim() - 2))) if fits else None
    if on_outputs is None:
        step.after = 1 / own
    else:
        weight = scale_outputs(node.op, weight, on_outputs)
    step.weight = weight


def _in_channels(op: Linear | Conv, weight: Tensor) -> int:
    if isinstance(op, Conv) and not op.transposed:
        return weight.shape[1] * op.groups
    return weight.shape[1] if isinstance(op, Linear) else weight.shape[0]


def _fold_before(
    node: Node, own: Tensor, arrays: Mapping[str, Tensor]
) -> tuple[tuple[Tensor | None, Tensor | None], ...]:
    assert node.firing is not None
    folded: list[tuple[Tensor | None, Tensor | None]] = []
    for index, op in enumerate(node.firing.before_firing):
        if isinstance(op, MaxPool | AdaptiveMaxPool):
            folded.append((None, None))
        else:
            bias = arrays[f"{node.name}.before{index}.bias"] / own
            folded.append((arrays[f"{node.name}.before{index}.weight"], bias))
    return tuple(folded)


def _factor(value: Tensor) -> Tensor | None:
    return None if value.numel() == 1 and float(value) == 1.0 else value
