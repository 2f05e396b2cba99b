"""Weights of few bits after training, and how much accuracy they keep: the best of a few ways, on validation.

    1. weights as b-bit integers, one scale a tensor or one an output channel         (`quantisation.quantise`)
    2. thresholds as they are, or θ' = θ · r, v0' = v0 · r, with r = mean code with these weights / mean code before,
       a few times over, stage by stage, each with the stages before it mended already
Rounding weights makes a stage's potentials larger or smaller on the whole, which r takes back; what a spike is worth
downstream stays. The way with the most right answers on the validation samples is kept, the simplest of equals.

Source: "Reliability-aware hyperparameter optimization", §III, quantises after training and says no more; the mended
thresholds are this library's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.ops import Product
from spikewright.conversion.quantise import quantise
from spikewright.engines.network import build
from spikewright.engines.record import Record, StageRecord
from spikewright.errors import BadData, BadSetting
from spikewright.measure.accuracy import correct
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform

Labelled = Sequence[tuple[Tensor, Tensor]]  # prepared inputs [N, *input_shape] and labels [N]
_RATIOS = (0.25, 4.0)  # a stage that changes by more has lost its signal: mending it would only add noise
_ROUNDS, _ALIKE = 4, 1e-3  # codes are clipped, so that one ratio does not do; near enough is enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of storing weights, and the share of validation samples that are right with it, 0..1."""

    bits: int
    per_channel: bool
    repaired_thresholds: bool
    accuracy_validation: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantised:
    """The network that was kept, and all that was tried."""

    blueprint: Blueprint
    chosen: Way
    tried: tuple[Way, ...]
    accuracy_validation_before: float

    def to_json(self) -> dict[str, Any]:
        """What was chosen, from what, as plain data."""
        return {
            **asdict(self.chosen),
            "accuracy_validation_before": self.accuracy_validation_before,
            "tried": [asdict(way) for way in self.tried],
        }

    def line(self) -> str:
        """The outcome in one line for a person."""
        scales = "one scale a channel" if self.chosen.per_channel else "one scale a tensor"
        repaired = ", thresholds mended" if self.chosen.repaired_thresholds else ""
        return (
            f"weights of {self.chosen.bits} bits, {scales}{repaired}: accuracy on validation "
            f"{self.accuracy_validation_before:.2%} before, {self.chosen.accuracy_validation:.2%} after"
        )


def quantise_trained(
    blueprint: Blueprint, bits: int, *, calibration: Sequence[Tensor], validation: Labelled
) -> Quantised:
    """Store a network's weights in few bits, by the way that keeps most accuracy on validation.

    Args:
        blueprint: the network; nodes that store integers already keep them.
        bits: 2..16.
        calibration: prepared inputs [N, *sample_shape], for thresholds.
        validation: prepared inputs and labels, for the choice.

    Raises:
        BadSetting: bits outside 2..16.
        BadData: no inputs.
    """
    if not 2 <= bits <= 16:
        raise BadSetting(f"weights are rounded after training to 2..16 bits, got {bits}: 1 bit has to be trained")
    if not any(len(x) for x in calibration) or not any(len(x) for x, _ in validation):
        raise BadData("quantisation looks at calibration and validation inputs, got none: give data that has both")
    before = accuracy(blueprint, validation)
    whole = any(isinstance(node.op, Product) and not node.op.outputs_come_first for node in blueprint.plan.nodes)
    found: list[tuple[Way, Blueprint]] = []
    for per_channel in (False,) if whole else (False, True):
        stored = quantise(blueprint, Uniform(bits=bits, per_channel=per_channel))
        for repaired in (False, True) if blueprint.plan.stages else (False,):
            each = repair_thresholds(stored, blueprint, calibration) if repaired else stored
            share = accuracy(each, validation)
            way = Way(bits=bits, per_channel=per_channel, repaired_thresholds=repaired, accuracy_validation=share)
            found.append((way, each))
    chosen, best = max(found, key=lambda pair: pair[0].accuracy_validation)  # the first of equals
    return Quantised(
        blueprint=best, chosen=chosen, tried=tuple(way for way, _ in found), accuracy_validation_before=before
    )


def accuracy(blueprint: Blueprint, samples: Labelled) -> float:
    """Share of labelled samples that a network gets right, by the collapsed engine in float32, 0..1."""
    network = build(blueprint)
    with torch.no_grad():
        right = sum(correct(network(x.float()), labels) for x, labels in samples)
    return right / sum(len(labels) for _, labels in samples)


def repair_thresholds(stored: Blueprint, like: Blueprint, batches: Sequence[Tensor]) -> Blueprint:
    """A network whose stages fire as much as those of another with the same plan, on these inputs.

    Args:
        stored: the network to mend.
        like: the network it was made of.
        batches: prepared inputs [N, *sample_shape].

    Returns:
        `stored` with θ and v0 of each stage times the ratios of the mean codes; stages that are silent in
        the other network, or would need a ratio outside 1/4 .. 4, are left as they are from there on.
    """
    wanted = list(_mean_codes(like, batches))
    arrays = dict(stored.arrays)
    for index, node in enumerate(stored.plan.stages):
        roles = [f"{node.name}.{role}" for role in ("threshold", "initial_potential")]
        changed = 1.0
        for _ in range(_ROUNDS):
            mean = next(islice(_mean_codes(Blueprint(stored.plan, arrays), batches), index, None))
            ratio = mean / wanted[index] if wanted[index] > 0 else 1.0
            changed *= ratio
            if abs(ratio - 1) < _ALIKE or not _RATIOS[0] <= changed <= _RATIOS[1]:
                break
            arrays |= {role: arrays[role] * ratio for role in roles}
    return Blueprint(stored.plan, arrays)


def _mean_codes(blueprint: Blueprint, batches: Sequence[Tensor]) -> Iterator[float]:
    """The mean code of each stage in turn; what comes after the last that is asked for does not run."""
    network = build(blueprint)
    with torch.no_grad():
        runs = [network.collapse(x.float()) for x in batches if len(x)]
        for _ in blueprint.plan.stages:
            codes = [_next_stage(run) for run in runs]
            yield float(sum(float(x.sum(dtype=torch.float64)) for x in codes) / sum(x.numel() for x in codes))


def _next_stage(run: Iterator[Record]) -> Tensor:
    return next(record.codes for record in run if isinstance(record, StageRecord))
