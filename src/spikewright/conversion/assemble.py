"""From staged nodes to a blueprint: a method says how each stage fires, this writes it down."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.channels import channel_axes
from spikewright.ann.ops import Product
from spikewright.ann.source import Source
from spikewright.conversion.align import Joining
from spikewright.conversion.stages.staged import Fires, FiringNode, StagedNode
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.ends import AnyEncoder, PlanInput, Readout
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.nodes import AnyLaw, AnySchedule, Edge, Firing, Node
from spikewright.snn.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """How one stage fires. Tensors are in the value scale and broadcast to the stage's features."""

    schedule: AnySchedule
    code: Code
    threshold: Tensor
    initial_potential: Tensor
    amplitude: Tensor
    law: AnyLaw = field(default_factory=IntegrateFire)
    own: Mapping[str, Tensor] = field(default_factory=dict)  # what the law needs besides, and `rest`, by role


def assemble(
    staged: Sequence[StagedNode],
    settings: Callable[[FiringNode], StageSettings],
    *,
    source: Source,
    encoder: AnyEncoder,
    joining: Joining | None = None,
) -> Blueprint:
    """Write a blueprint down; `settings` is asked once per stage, `joining` puts alignments on the edges.

    Weights that are the same number for number, as those of a module that is used more than once, are stored once.
    """
    nodes: list[Node] = []
    arrays: dict[str, Tensor] = {}
    owners, axes = _owners(staged), _axes(staged, source)
    for node in staged:
        if node.weight is not None:
            arrays[f"{node.name}.weight"] = node.weight if node.format is None else node.weight.to(torch.int32)
        if node.gain is not None:
            arrays[f"{node.name}.gain"] = node.gain
        if node.bias is not None:
            arrays[f"{node.name}.bias"] = node.bias
        edges = tuple(Edge(name) for name in node.inputs)
        made = Node(
            name=node.name,
            op=node.op,
            edges=edges,
            shape=node.shape,
            weights=node.format,
            axis=axes[node.name],
            shares=owners.get(node.name),
        )
        if isinstance(node, FiringNode):
            chosen = settings(node)
            made = made.as_stage(_firing(node.fires, chosen))
            arrays |= _firing_arrays(node.name, node.fires, chosen)
        nodes.append(made)
    joined = tuple(nodes) if joining is None else joining.align(nodes)
    plan = Plan(inputs=_inputs(source, encoder), nodes=joined, readouts=_readouts(staged, source))
    return Blueprint(plan, arrays)


def _inputs(source: Source, encoder: AnyEncoder) -> tuple[PlanInput, ...]:
    return tuple(
        PlanInput(name=each.name, shape=each.shape, encoder=encoder, preparation=source.preparation, ids=each.ids)
        for each in source.inputs
    )


def _readouts(staged: Sequence[StagedNode], source: Source) -> tuple[Readout, ...]:
    """The node of each output, in the source's order."""
    if not source.named_outputs:
        return (Readout(node=staged[-1].name),)
    nodes = {node.output: node.name for node in staged if node.output is not None}
    return tuple(Readout(name=each.name, node=nodes[each.name]) for each in source.named_outputs)


def _axes(staged: Sequence[StagedNode], source: Source) -> Mapping[str, int]:
    """The axis of channels of each node; a stage has that of the value that it stands for."""
    of_source = channel_axes(source.nodes, source.value_shapes)
    fired = {node.name: of_source[node.fires.carries] for node in staged if isinstance(node, FiringNode)}
    return channel_axes(staged, source.value_shapes, fired)


def _owners(staged: Sequence[StagedNode]) -> dict[str, str]:
    """By node whose weight an earlier one has as well, number for number: that node."""
    found: dict[str, str] = {}
    first: dict[Any, list[tuple[str, Tensor]]] = {}
    for node in staged:
        if node.weight is None or not isinstance(node.op, Product):
            continue
        some = tuple(node.weight.flatten()[:: max(node.weight.numel() // 8, 1)].tolist())  # tells most apart at once
        alike = first.setdefault((type(node.op), node.format, tuple(node.weight.shape), some), [])
        owner = next((name for name, weight in alike if torch.equal(weight, node.weight)), None)
        if owner is None:
            alike.append((node.name, node.weight))
        else:
            found[node.name] = owner
    return found


def _firing(fires: Fires, chosen: StageSettings) -> Firing:
    return Firing(
        law=chosen.law,
        schedule=chosen.schedule,
        code=chosen.code,
        carries=fires.carries,
        before_firing=tuple(op for op, _, _ in fires.before),
        channels=fires.channels,
        beyond=fires.beyond,
    )


def _firing_arrays(name: str, fires: Fires, chosen: StageSettings) -> dict[str, Tensor]:
    """What a stage fires by, and the gains and biases of the norms before it, by their names in the blueprint."""
    arrays = {
        f"{name}.threshold": chosen.threshold,
        f"{name}.initial_potential": chosen.initial_potential,
        f"{name}.amplitude": chosen.amplitude,
        **{f"{name}.{role}": array for role, array in chosen.own.items()},
    }
    for index, (_, gain, bias) in enumerate(fires.before):
        if gain is not None and bias is not None:
            arrays[f"{name}.before{index}.weight"] = gain
            arrays[f"{name}.before{index}.bias"] = bias
    return arrays


def with_shift(blueprint: Blueprint, shifts: Mapping[str, Tensor]) -> Blueprint:
    """The blueprint with so much more constant current over the window, by stage; after any norm before firing."""
    arrays = dict(blueprint.arrays)
    for node in blueprint.plan.stages:
        if node.name not in shifts:
            continue
        scales = [index for index, op in enumerate(node.firing.before_firing) if op.scales]
        name = f"{node.name}.before{scales[-1]}.bias" if scales else f"{node.name}.bias"
        before = arrays.get(name)
        arrays[name] = shifts[node.name] if before is None else before + shifts[node.name]
    return Blueprint(blueprint.plan, arrays)
