"""The quantised source of a spiking network: which rule rounds each activation, and the network so rounded.

    value = unit · clip(⌊(z + v0)/unit⌋, 0, Σw)
What `reference.refer` evaluates, without its distances and bounds, and in any floating point. Interprets the
captured graph, batch norm unfolded; shares nothing with folding or the engines.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ends import Batch, in_type
from spikewright.ann.ops import Activating
from spikewright.ann.source import Source, SourceNode
from spikewright.errors import BadPlan
from spikewright.measure.equality.carried import carried, carried_shape
from spikewright.measure.equality.reference import Rounding, codes_of
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Stage


def rounding_of(blueprint: Blueprint, source: Source) -> dict[str, Rounding]:
    """How the reference has to round each activation to be this network's quantised source.

    A threshold that was trained is the source's own; a chosen one is the network's. Half a unit is always
    added, whatever the network starts from: rounding is what it is held to.

    Raises:
        BadPlan: the plan does not belong to this source.
    """
    _check_belongs(blueprint, source)
    found = activations_of(blueprint, source)
    rounding = {
        name: _rule(blueprint, node, source, name) for node in blueprint.plan.stages for name in found[node.name]
    }
    lost = next((stage for stage, names in found.items() if not names), None)
    if lost is not None:
        raise BadPlan(f"stage {lost!r} of the plan carries no activation of the source: the two do not belong together")
    dead = {node.name for node in source.activations} - set(rounding)
    if dead:
        raise BadPlan(
            f"no stage of the plan carries activation {min(dead)!r} of the source: the two do not belong together"
        )
    return rounding


def activations_of(blueprint: Blueprint, source: Source) -> dict[str, tuple[str, ...]]:
    """The activations whose values each stage's codes stand for."""
    behind = activations_behind(source)
    found: dict[str, tuple[str, ...]] = {}
    for node in blueprint.plan.stages:
        names = behind.get(node.firing.carries, ())
        found[node.name] = names if node.firing.channels is None else _branch(names, node.firing.channels[0], source)
    return found


def units_of(blueprint: Blueprint, source: Source, rounding: Mapping[str, Rounding]) -> dict[str, Tensor]:
    """What one step of each stage's codes is worth to the reference; it is the rule's, not the plan's own amplitude."""
    return {stage: rounding[names[0]].unit for stage, names in activations_of(blueprint, source).items()}


def below_of(blueprint: Blueprint, source: Source, rounding: Mapping[str, Rounding]) -> dict[str, Tensor]:
    """How many of each stage's codes stand for values below 0."""
    return {stage: rounding[names[0]].below for stage, names in activations_of(blueprint, source).items()}


def _rule(blueprint: Blueprint, stage: Stage, source: Source, activation: str) -> Rounding:
    code = stage.firing.code
    node = next(one for one in source.activations if one.name == activation)
    assert isinstance(node.op, Activating)
    trained = source.array(node, "threshold")
    unit = blueprint.arrays[f"{stage.name}.threshold"].double() if trained is None else trained.double() / code.levels
    return Rounding(unit, unit / 2, code.levels, code.timesteps, node.op.below(unit, code.levels))


def _branch(names: tuple[str, ...], start: int, source: Source) -> tuple[str, ...]:
    """The activation whose channels begin at `start` in a concatenation of several."""
    shapes = {node.name: node.shape for node in source.nodes}
    position = 0
    for name in names:
        if position == start:
            return (name,)
        position += shapes[name][0]
    return ()


def _check_belongs(blueprint: Blueprint, source: Source) -> None:
    plan = blueprint.plan
    shapes = {node.name: node.shape for node in source.nodes}
    taken = [(each.name, each.shape, each.ids) for each in plan.inputs]
    wanted = [(each.name, each.shape, each.ids) for each in source.inputs]
    gives = {name: node.shape for name, node in plan.outputs.items()}
    wants = {each.name: shapes[each.node] for each in source.outputs}
    if taken != wanted or gives != wants:
        raise BadPlan(
            f"the plan maps {_ends([shape for _, shape, _ in taken], gives)}, the source "
            f"{_ends([shape for _, shape, _ in wanted], wants)}: the two do not belong together"
        )
    for node in plan.stages:
        shape = shapes.get(node.firing.carries)
        if shape is None or node.shape != _made(blueprint, node, shape):
            raise BadPlan(
                f"stage {node.name!r} carries {node.firing.carries!r} of shape {node.shape}, the source has "
                f"{'no such node' if shape is None else f'shape {shape}'}: the two do not belong together"
            )


def _made(blueprint: Blueprint, stage: Stage, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of a stage's value by that of the node which it carries; None where the two do not fit."""
    try:
        return carried_shape(blueprint, stage, shape)
    except (RuntimeError, LookupError, TypeError):
        return None


def _ends(inputs: Sequence[tuple[int, ...]], outputs: Mapping[str, tuple[int, ...]]) -> str:
    """Shapes of inputs to shapes of outputs, whose names are said where there are several."""
    takes = ", ".join(map(str, inputs))
    gives = ", ".join(str(shape) if len(outputs) == 1 else f"{name} {shape}" for name, shape in outputs.items())
    return f"{takes} to {gives}"


def activations_behind(source: Source) -> dict[str, tuple[str, ...]]:
    """For each node that only passes activations on (itself, max pool, concatenation): the activations."""
    found: dict[str, tuple[str, ...]] = {}
    for node in source.nodes:
        if node.op.activates:
            found[node.name] = (node.name,)
        elif (node.op.maximum or node.op.joins) and all(name in found for name in node.inputs):
            found[node.name] = tuple(name for read in node.inputs for name in found[read])
    return found


class QuantisedSource:
    """The quantised source without margins: lighter than `reference.refer`."""

    def __init__(
        self, blueprint: Blueprint, source: Source, dtype: torch.dtype, *, device: torch.device | None = None
    ) -> None:
        self.blueprint, self.source, self.dtype = blueprint, source, dtype
        found = rounding_of(blueprint, source)
        self.rounding = {
            name: rule._replace(
                unit=rule.unit.to(device, dtype),
                initial=rule.initial.to(device, dtype),
                below=rule.below.to(device, dtype),
            )
            for name, rule in found.items()
        }
        self.below = {name: below.to(device, dtype) for name, below in below_of(blueprint, source, found).items()}
        self.units = {name: unit.to(device, dtype) for name, unit in units_of(blueprint, source, found).items()}
        self.arrays = {name: array.to(device, dtype) for name, array in source.arrays.items()}

    def scores(self, x: Batch, watch: interpreter.Watch | None = None) -> Any:
        """The output [N, *output_shape] of the quantised source; several by name."""
        arrays = self.arrays
        return interpreter.run(self.source, in_type(x, self.dtype), activate=self._round, arrays=arrays, watch=watch)

    def codes(self, x: Batch) -> dict[str, Tensor]:
        """The integer codes [N, *features] that each stage should emit."""
        wanted = {node.firing.carries for node in self.blueprint.plan.stages}
        values: dict[str, Tensor] = {}

        def watch(node: SourceNode, value: Tensor) -> None:
            if node.name in wanted:
                values[node.name] = value

        self.scores(x, watch)
        codes: dict[str, Tensor] = {}
        for node in self.blueprint.plan.stages:
            value = carried(self.blueprint, node, values)
            codes[node.name] = (value / self.units[node.name]).round() + self.below[node.name]
        return codes

    def _round(self, node: SourceNode, z: Tensor, roles: Mapping[str, Tensor]) -> Tensor:
        rule = self.rounding[node.name]
        return codes_of(node, z, rule, roles) * rule.unit
