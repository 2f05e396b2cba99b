"""The conversion errors of every stage of a network, measured while it runs, part by part.

Stage by stage, what the source's pre-activation is, what the stage accumulates and what it emits are handed to
`conversion_errors`. The network runs step by step in float64, as its own spikes drive it.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.source import Source
from spikewright.engines.network import build
from spikewright.engines.program import StageInstruction
from spikewright.engines.record import StageRecord
from spikewright.engines.stepwise import walk
from spikewright.errors import BadData, BadSetting
from spikewright.measure.conversion_error.kinds import ConversionErrors, ErrorFigures, ErrorTally, conversion_errors
from spikewright.measure.equality.carried import beyond
from spikewright.measure.equality.quantised_source import activations_of
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Stage
from spikewright.snn.schedules import Drive


def stage_errors(blueprint: Blueprint, source: Source, batches: Iterable[Tensor]) -> dict[str, dict[str, ErrorFigures]]:
    """The error figures of each stage, by stage and part (`kinds.PARTS`).

    Args:
        blueprint: the network; every stage stands for one activation.
        source: what it was converted from.
        batches: prepared inputs [N, *input_shape].

    Raises:
        BadData: no inputs.
        BadSetting: a stage that fires by a table.
    """
    table = next((node.name for node in blueprint.plan.stages if node.firing.law.arrays), None)
    if table is not None:
        raise BadSetting(
            f"stage {table!r} fires by a table of thresholds: conversion errors are told apart for stages that fire by "
            "multiples of one, in place of ReLUs"
        )
    network = build(blueprint, dtype=torch.float64)
    arrays = {name: array.double() for name, array in source.arrays.items()}
    before = {node.name: node.inputs[0] for node in source.activations}
    read = {stage: before[names[0]] for stage, names in activations_of(blueprint, source).items()}
    tallies = {node.name: ErrorTally() for node in blueprint.plan.stages}

    for x in batches:
        with torch.no_grad():
            values = interpreter.values_of(source, x.double(), set(read.values()), arrays=arrays)

            def add(
                instruction: StageInstruction, drive: Drive, record: StageRecord, values: dict[str, Tensor] = values
            ) -> None:
                name = instruction.stage.name
                tallies[name] = tallies[name].add(_errors(blueprint, drive, record, values[read[name]]))

            for _ in walk(network.program, x.double(), revise=add):
                pass
    if not next((tally.values for tally in tallies.values()), 1):
        raise BadData("stage errors need at least one input, got none: give a data set that is not empty")
    return {stage: tally.figures() for stage, tally in tallies.items()}


def _errors(blueprint: Blueprint, drive: Drive, record: StageRecord, z: Tensor) -> ConversionErrors:
    """Those of one stage on one batch; z: the source's pre-activation."""
    node = record.node
    unit = blueprint.arrays[f"{node.name}.threshold"].double()
    total = drive.currents[blueprint.plan.warmup :].sum(0)
    total = total if drive.bias is None else total + drive.bias
    return conversion_errors(
        _pooled(blueprint, node, z),
        total / drive.threshold * unit,
        record.codes * blueprint.arrays[f"{node.name}.amplitude"].double(),
        threshold=unit * node.firing.code.levels,
        levels=node.firing.code.levels,
        initial=blueprint.arrays[f"{node.name}.initial_potential"].double(),
    )


def _pooled(blueprint: Blueprint, stage: Stage, z: Tensor) -> Tensor:
    """The pre-activation where the stage emits it: after the max pools that follow the activation."""
    firing = stage.firing
    pools = [op for op in firing.before_firing[: len(firing.before_firing) - firing.beyond] if not op.scales]
    while pools and tuple(beyond(blueprint, stage, z[:1]).shape[1:]) != stage.shape:
        z = pools.pop(0)([z])
    return beyond(blueprint, stage, z)
