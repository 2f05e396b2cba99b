"""The certificate: every integer code of both engines against the independent reference, nothing excused.

Everything runs in float64 on the CPU. A code that differs is a mismatch, whatever the reason; 0 are required.
Beside the count stand the smallest distance of any potential to a code boundary and the largest rounding
bound: where each distance exceeds its bound, equality is proven for these inputs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import torch

from spikewright.ann.ends import Batch, in_type, real
from spikewright.ann.ops import Activating
from spikewright.ann.source import Source
from spikewright.engines.network import SpikingNetwork, build
from spikewright.engines.record import Record, StageRecord
from spikewright.errors import BadData
from spikewright.measure.equality.carried import carried
from spikewright.measure.equality.quantised_source import activations_behind, below_of, rounding_of, units_of
from spikewright.measure.equality.reference import Rounding, Truth, in_float64, refer
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCheck:
    """One stage's part of the certificate."""

    stage: str
    carries: str
    codes: int
    mismatches_stepwise: int
    mismatches_collapsed: int
    active_share: float  # share of codes other than zero
    smallest_distance: float  # of a potential to a code boundary, in units
    largest_bound: float  # how far rounding can have moved one, in units
    within_bound: int  # potentials closer to a boundary than rounding could carry them


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Certificate:
    """What was compared, and what came out."""

    reference: str
    arithmetic: str
    images: int
    levels: tuple[int, ...]
    codes_total: int
    mismatched_codes: int
    mismatched_codes_stepwise: int
    mismatched_codes_collapsed: int
    smallest_distance: float
    largest_bound: float
    within_bound: int
    output_error: float  # largest difference of an output from the reference's
    output_bound: float  # what rounding allows there
    output_exceeds_bound: int
    stages: tuple[StageCheck, ...]

    @property
    def equal(self) -> bool:
        """Whether no code differs and the outputs agree to rounding."""
        return self.mismatched_codes == 0 and self.output_exceeds_bound == 0

    @property
    def proven(self) -> bool:
        """Whether equality follows from the rounding bounds, for these inputs."""
        return self.equal and self.within_bound == 0 and isfinite(self.output_bound)

    def __repr__(self) -> str:
        return self.line()

    def line(self) -> str:
        """The result in one line for a person."""
        compared = f"{self.codes_total:,} codes of {self.images:,} inputs on two engines"
        if not self.equal:
            worst = next((row for row in self.stages if row.mismatches_stepwise or row.mismatches_collapsed), None)
            where = f", first in stage {worst.stage}" if worst else ", in the outputs"
            found = f"{self.mismatched_codes_stepwise:,} stepwise and {self.mismatched_codes_collapsed:,} collapsed"
            return f"NOT EQUAL: {found} mismatches in {compared}{where}; reference: {self.reference}"
        margin = f"nearest boundary {self.smallest_distance:.1e} units, rounding at most {self.largest_bound:.1e}"
        verdict = "EQUAL, proven" if self.proven else f"EQUAL, {self.within_bound:,} codes within the rounding bound"
        return f"{verdict}: 0 mismatches in {compared}; {margin}; reference: {self.reference}"

    def to_json(self) -> dict[str, Any]:
        """The certificate as plain data."""
        return {**asdict(self), "equal": self.equal, "proven": self.proven, "verdict": self.line()}


def verify(network: SpikingNetwork | Blueprint, source: Source, batches: Iterable[Any]) -> Certificate:
    """Compare a spiking network with its quantised source, stage by stage.

    Args:
        network: the network or its blueprint; it is run in float64 whatever its own type.
        source: the captured source it was converted from.
        batches: prepared inputs [N, *input_shape]; of several inputs tuples or dicts of them.

    Raises:
        BadData: no inputs, or of the wrong shape.
        BadPlan: the plan does not belong to this source.
    """
    blueprint = network.blueprint if isinstance(network, SpikingNetwork) else network
    exact = build(blueprint, dtype=torch.float64)
    rounding = rounding_of(blueprint, source)
    arrays = in_float64(source)
    tally = _Tally(blueprint, rounding, source)
    with torch.no_grad():
        for batch in batches:
            x = in_type(real(source.inputs, source.fitting(batch, "verify")), torch.float64)
            if not len(x):
                continue
            tally.add(exact, x, refer(source, x, rounding, arrays=arrays))
    return tally.certificate(_reference_name(source, rounding))


def _reference_name(source: Source, rounding: Mapping[str, Rounding]) -> str:
    activations = {node.name: node.op for node in source.activations if isinstance(node.op, Activating)}
    if all(op.levels == rounding[name].levels and not op.slip for name, op in activations.items()):
        return "the source as trained"
    levels = {rule.levels for rule in rounding.values()}
    shown = f"{min(levels)} levels" if len(levels) == 1 else f"{min(levels)} to {max(levels)} levels"
    note = ", not the unrounded source itself" if any(op.levels is None for op in activations.values()) else ""
    return f"the source quantised to {shown}{note}"


class _Tally:
    """Counts over batches."""

    def __init__(self, blueprint: Blueprint, rounding: dict[str, Rounding], source: Source) -> None:
        self.blueprint = blueprint
        self.rounding = rounding
        self.behind = activations_behind(source)
        self.units = units_of(blueprint, source, rounding)
        self.below = below_of(blueprint, source, rounding)
        self.images = 0
        self.rows: dict[str, dict[str, Any]] = {}
        self.output = {"error": 0.0, "bound": 0.0, "exceeds": 0}

    def add(self, network: SpikingNetwork, x: Batch, truth: Truth) -> None:
        self.images += len(x)
        for engine, records in (("stepwise", network.walk(x)), ("collapsed", network.collapse(x))):
            for record in records:
                if isinstance(record, StageRecord):
                    self._stage(engine, record, truth)
                else:
                    self._output(record, truth)

    def _output(self, record: Record, truth: Truth) -> None:
        assert record.output is not None
        bound = truth.output_bounds[record.output]
        error = (record.codes - truth.outputs[record.output]).abs()
        self.output["error"] = max(self.output["error"], float(error.max()))
        self.output["bound"] = max(self.output["bound"], float(2 * bound.max()))
        self.output["exceeds"] += int((~(error <= 2 * bound)).sum())

    def _stage(self, engine: str, record: StageRecord, truth: Truth) -> None:
        node, codes, firing = record.node, record.codes, record.firing
        expected = carried(self.blueprint, node, truth.values)
        wrong = int((codes != (expected / self.units[node.name]).round() + self.below[node.name]).sum())
        row = self.rows.setdefault(
            node.name,
            {
                "codes": 0,
                "stepwise": 0,
                "collapsed": 0,
                "active": 0,
                "distance": float("inf"),
                "bound": 0.0,
                "within": 0,
            },
        )
        row[engine] += wrong
        if engine == "collapsed":
            return
        row["codes"] += codes.numel()
        row["active"] += int((codes != 0).sum())
        for name in self.behind[firing.carries]:
            margin = truth.margins[name]
            row["distance"] = min(row["distance"], float(margin.distance.min()))
            row["bound"] = max(row["bound"], float(2 * margin.bound.max()))
            row["within"] += int((~(margin.distance > 2 * margin.bound)).sum())

    def certificate(self, reference: str) -> Certificate:
        if not self.images:
            raise BadData("verification needs at least one input, got none: give a data set that is not empty")
        stages = []
        for node in self.blueprint.plan.stages:
            row = self.rows[node.name]
            stages.append(
                StageCheck(
                    stage=node.name,
                    carries=node.firing.carries,
                    codes=row["codes"],
                    mismatches_stepwise=row["stepwise"],
                    mismatches_collapsed=row["collapsed"],
                    active_share=row["active"] / row["codes"],
                    smallest_distance=row["distance"],
                    largest_bound=row["bound"],
                    within_bound=row["within"],
                )
            )
        stepwise = sum(row.mismatches_stepwise for row in stages)
        collapsed = sum(row.mismatches_collapsed for row in stages)
        return Certificate(
            reference=reference,
            arithmetic="float64",
            images=self.images,
            levels=tuple(node.firing.code.levels for node in self.blueprint.plan.stages),
            codes_total=sum(row.codes for row in stages),
            mismatched_codes=stepwise + collapsed,
            mismatched_codes_stepwise=stepwise,
            mismatched_codes_collapsed=collapsed,
            smallest_distance=min((row.smallest_distance for row in stages), default=float("inf")),
            largest_bound=max((row.largest_bound for row in stages), default=0.0),
            within_bound=sum(row.within_bound for row in stages),
            output_error=self.output["error"],
            output_bound=self.output["bound"],
            output_exceeds_bound=int(self.output["exceeds"]),
            stages=tuple(stages),
        )
