"""Layer by layer, how far the mean of each stage's value is from the source's, each stage mended before the next."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ends import Batch, in_type
from spikewright.ann.memory import AT_ONCE, samples_at_once
from spikewright.ann.source import Source
from spikewright.conversion.calibrators._inputs import require_inputs
from spikewright.data.progress import Progress, silent
from spikewright.engines.network import build
from spikewright.engines.program import StageInstruction
from spikewright.engines.record import Record, StageRecord
from spikewright.engines.stepwise import walk
from spikewright.measure.equality.carried import carried
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Stage
from spikewright.snn.schedules import Drive

Mean = Callable[[Tensor, int], Tensor]
Repair = Callable[[Drive, Tensor], Drive]


def gaps(
    blueprint: Blueprint,
    source: Source,
    batches: Sequence[Any],
    *,
    mean: Mean,
    repair: Repair,
    on_progress: Progress = silent,
) -> dict[str, Tensor]:
    """Mean of the source's value minus mean of the stage's, in the value scale, by stage.

    Args:
        blueprint: the network; it runs step by step, on all inputs at once where there is memory for it. Where there is
            not, every slice of them runs again for each stage, and means differ in the last bits of float64.
        source: what it was converted from.
        batches: prepared inputs.
        mean: of a value [N, *features] whose channels lie along that axis of the features, over samples and whatever
            else shares one number.
        repair: called with a stage's drive and its gap in thresholds; later stages see what it makes fire.
        on_progress: called after each stage.
    """
    inputs = require_inputs(batches, source)
    parts = inputs.split(_at_once(blueprint, source))
    with torch.no_grad():
        wanted = _means_of_source(blueprint, source, parts, mean)
        return _Gaps(blueprint, wanted, mean, repair, on_progress).of(parts)


class _Gaps:
    """The gaps of the stages so far."""

    def __init__(
        self, blueprint: Blueprint, wanted: Mapping[str, Tensor], mean: Mean, repair: Repair, on_progress: Progress
    ) -> None:
        self.blueprint, self.wanted, self.mean, self.repair = blueprint, wanted, mean, repair
        self.on_progress = on_progress
        self.program = build(blueprint).program
        self.found: dict[str, Tensor] = {}

    def of(self, parts: Sequence[Batch]) -> dict[str, Tensor]:
        """Those of all stages, on inputs that run together or slice by slice."""
        if len(parts) == 1:
            for _ in walk(self.program, parts[0], revise=self._revise_each):
                pass
            return self.found
        for stage in self.blueprint.plan.stages:
            runs = (walk(self.program, part, revise=self._revise_known) for part in parts)
            means = [self._worth(_record_of(run, stage)) for run in runs]
            self._note(stage.name, _joined(means, parts))
        return self.found

    def _worth(self, record: StageRecord) -> Tensor:
        amplitude = self.blueprint.arrays[f"{record.node.name}.amplitude"]
        value, rest = record.codes.double() * amplitude, self.blueprint.array(record.node, "rest")
        return self.mean(value if rest is None else value + rest, record.node.axis)

    def _note(self, name: str, mean: Tensor) -> None:
        self.found[name] = self.wanted[name] - mean
        self.on_progress("stages", len(self.found), len(self.blueprint.plan.stages))

    def _revised(self, drive: Drive, record: StageRecord) -> Drive:
        name = record.node.name
        gap = self.found[name] / self.blueprint.arrays[f"{name}.threshold"]
        return self.repair(drive, gap.to(record.codes.dtype))

    def _revise_each(self, instruction: StageInstruction, drive: Drive, record: StageRecord) -> Drive:
        self._note(instruction.stage.name, self._worth(record))
        return self._revised(drive, record)

    def _revise_known(self, instruction: StageInstruction, drive: Drive, record: StageRecord) -> Drive | None:
        return self._revised(drive, record) if instruction.stage.name in self.found else None


def _at_once(blueprint: Blueprint, source: Source) -> int:
    """How many inputs run step by step together: trains are as many times larger than values as there are steps."""
    steps = max((node.firing.code.timesteps for node in blueprint.plan.stages), default=1) + blueprint.plan.warmup
    return samples_at_once(source, AT_ONCE // (2 * steps + 2))


def _means_of_source(blueprint: Blueprint, source: Source, parts: Sequence[Batch], mean: Mean) -> dict[str, Tensor]:
    """The mean of what each stage stands for, by stage."""
    wanted = {node.firing.carries for node in blueprint.plan.stages}
    found: dict[str, list[Tensor]] = {node.name: [] for node in blueprint.plan.stages}
    for part in parts:
        values = interpreter.values_of(source, in_type(part, source.dtype), wanted)
        for node in blueprint.plan.stages:
            found[node.name].append(mean(carried(blueprint, node, values).double(), node.axis))
    return {name: _joined(means, parts) for name, means in found.items()}


def _joined(means: Sequence[Tensor], parts: Sequence[Batch]) -> Tensor:
    """The mean over all inputs, of those over some of them."""
    if len(parts) == 1:
        return means[0]
    weighted = [each * len(part) for each, part in zip(means, parts, strict=True)]
    return torch.stack(weighted).sum(0) / sum(map(len, parts))


def _record_of(run: Iterable[Record], stage: Stage) -> StageRecord:
    """What a stage fires; what comes after it does not run."""
    return next(record for record in run if isinstance(record, StageRecord) and record.node.name == stage.name)
