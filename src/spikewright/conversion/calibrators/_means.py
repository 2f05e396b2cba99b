"""Layer by layer, how far the mean of each stage's value is from the source's, each stage mended before the next."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.source import Source
from spikewright.conversion.calibrators._inputs import require_inputs
from spikewright.data.progress import Progress, silent
from spikewright.engines.network import build
from spikewright.engines.program import StageInstruction
from spikewright.engines.record import StageRecord
from spikewright.engines.stepwise import walk
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Firing
from spikewright.snn.schedules import Drive

Mean = Callable[[Tensor, int], Tensor]
Repair = Callable[[Drive, Tensor], Drive]


def gaps(
    blueprint: Blueprint,
    source: Source,
    batches: Sequence[Tensor],
    *,
    mean: Mean,
    repair: Repair,
    on_progress: Progress = silent,
) -> dict[str, Tensor]:
    """Mean of the source's value minus mean of the stage's, in the value scale, by stage.

    Args:
        blueprint: the network; it runs step by step on all inputs at once.
        source: what it was converted from.
        batches: prepared inputs.
        mean: of a value [N, *features] whose channels lie along that axis of the features, over samples and whatever
            else shares one number.
        repair: called with a stage's drive and its gap in thresholds; later stages see what it makes fire.
        on_progress: called after each stage.
    """
    inputs = require_inputs(batches, source)
    carried = {node.firing.carries for node in blueprint.plan.stages}
    with torch.no_grad():
        wanted = interpreter.values_of(source, inputs, carried)
    found: dict[str, Tensor] = {}

    def revise(instruction: StageInstruction, drive: Drive, record: StageRecord) -> Drive:
        node = instruction.stage
        amplitude = blueprint.arrays[f"{node.name}.amplitude"]
        wanted_mean = mean(_carried(node.firing, wanted).double(), node.axis)
        gap = wanted_mean - mean(record.codes.double() * amplitude, node.axis)
        found[node.name] = gap
        on_progress("stages", len(found), len(blueprint.plan.stages))
        return repair(drive, (gap / blueprint.arrays[f"{node.name}.threshold"]).to(record.codes.dtype))

    with torch.no_grad():
        for _ in walk(build(blueprint).program, inputs, revise=revise):
            pass
    return found


def _carried(firing: Firing, values: Mapping[str, Tensor]) -> Tensor:
    """What a stage's codes stand for: a source node's value, or some channels of it."""
    value = values[firing.carries]
    return value if firing.channels is None else value[:, slice(*firing.channels)]
