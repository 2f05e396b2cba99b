"""Fault campaigns as loops: a copy of the network with its faults written in, all images at once, counts one by one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ops import Averaging
from spikewright.ann.ops.activations import Activation, BatchNorm
from spikewright.ann.ops.curves import Curve
from spikewright.ann.ops.products import Conv, Linear
from spikewright.ann.source import INPUT, Source, SourceNode
from spikewright.conversion.quantise import quantise, store
from spikewright.engines.currents import constant_drive, deliver, drive_of, scaled, total_input, totals
from spikewright.engines.lower.folded import fold
from spikewright.engines.lower.integer import lowered
from spikewright.engines.program import Program, StageInstruction
from spikewright.engines.stepwise import _arrives_as_total, _currents
from spikewright.errors import NotExact
from spikewright.reliability.campaign.outcomes import Outcome
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Fault, Patch
from spikewright.reliability.sites import Memory, Neurons, Sites
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.nodes import Stage
from spikewright.snn.trains import weighted


def counted(hits: int, golden: list[list[float]], faulty: list[list[float]], labels: list[int]) -> Outcome:
    """Images by outcome."""
    found = dict.fromkeys(Outcome._fields, 0)
    for before, after, label in zip(golden, faulty, labels, strict=True):
        was, now = _class(before), _class(after)
        same = all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(before, after, strict=True))
        found["masked"] += same
        found["right"] += now == label
        found["critical"] += was != now
        found["harmful"] += was == label != now
        found["healed"] += was != label == now
        found["due"] += not all(map(math.isfinite, after))
    return Outcome(**{**found, "hits": hits})


def _class(scores: list[float]) -> int | None:
    if not all(map(math.isfinite, scores)):
        return None
    return next(place for place, score in enumerate(scores) if score == max(scores))


@dataclass(frozen=True)
class Slow:
    """A network whose maps are run the slow way.

    `scores` of a spiking network are those of the stepwise engine: in integers where it has an integer program, in
    float32 where it is clocked, else in float64. Those of an ordinary one are in float32, its sums in float64.
    """

    network: Blueprint | Source
    inputs: Tensor
    labels: Tensor
    weights: Uniform

    @cached_property
    def sites(self) -> Sites:
        """All that may be struck, read off the network by hand."""
        low, high = ((float(self.inputs.min()),), (float(self.inputs.max()),))
        shape = tuple(self.inputs.shape[1:])
        if isinstance(self.network, Source):
            entry = store(self.network, self.weights)
            first: dict[str, str] = {}
            for node in self.network.nodes:
                if isinstance(node.op, Linear | Conv):
                    first.setdefault(dict(node.arrays)["weight"], node.name)
            memories = [(name, entry[array].integers, entry[array].format.bits) for array, name in first.items()]
            stages = [Neurons(name=n.name, shape=n.shape, timesteps=1) for n in self.network.nodes if _fires(n)]
        else:
            stored = quantise(self.network, self.weights)
            memories = [
                (node.name, stored.arrays[f"{node.name}.weight"], node.weights.bits)
                for node in stored.plan.nodes
                if node.weights is not None
            ]
            stages = [
                Neurons(name=n.name, shape=n.shape, timesteps=n.firing.code.steps, law=n.firing.law.kind)
                for n in self.network.plan.nodes
                if isinstance(n, Stage)
            ]
        return Sites(
            memories=tuple(
                Memory(name=name, integers=np.array(_flat(integers)), bits=bits, positions=tuple(range(bits)))
                for name, integers, bits in memories
            ),
            stages=tuple(stages),
            input_shape=shape,
            input_range=(low, high),
        )

    def scores(self, patch: Patch) -> NDArray[np.float64]:
        """Of all images at once, [N, classes]."""
        images = np.arange(len(self.inputs))
        x = self.inputs if patch.pixels is None else patch.pixels.pixels(self.inputs, images)
        with torch.no_grad():
            if isinstance(self.network, Source):
                golden = self._ordinary(self.network, self.inputs, Patch(), images, {})
                tops = {name: _top(value) for name, value in golden.items()}
                return self._ordinary(self.network, x, patch, images, tops)[self.network.output].numpy()
            stored = quantise(self.network, self.weights)
            program = program_of(written(stored, patch), stored)
            return walked(program, x, patch, images).double().numpy()

    @cached_property
    def golden(self) -> NDArray[np.float64]:
        """Without a fault."""
        return self.scores(Patch())

    def outcome(self, fault: Fault, seed: int, stratum: str, number: int, sites: Sites | None = None) -> Outcome:
        """Of one map."""
        patch = fault.patch(self.sites if sites is None else sites, Draw(seed, stratum, number))
        return counted(patch.hits, self.golden.tolist(), self.scores(patch).tolist(), self.labels.tolist())

    def outcomes(self, fault: Fault, maps: int, *, seed: int = 0, stratum: str = "model") -> list[Outcome]:
        """Of maps 0 … maps − 1."""
        return [self.outcome(fault, seed, stratum, number) for number in range(maps)]

    def _ordinary(
        self,
        source: Source,
        x: Tensor,
        patch: Patch,
        images: NDArray[np.int64],
        tops: Mapping[str, float],
    ) -> dict[str, Tensor]:
        """Every value, node by node: products are sums in float64 of stored integers and of values in float32."""
        stored, values = store(source, self.weights), {INPUT: x.float()}
        for node in source.nodes:
            given = [values[name] for name in node.inputs]
            roles = {role: source.arrays[name] for role, name in node.arrays}
            if isinstance(node.op, Linear | Conv):
                array = dict(node.arrays)["weight"]
                own = stored[array]
                memory = next(n.name for n in source.nodes if dict(n.arrays).get("weight") == array)
                integers = own.integers if memory not in patch.weights else _rewritten(own.integers, patch, memory)
                made = node.op([given[0].double()], integers.double())
                spatial = (1,) * (made.dim() - 2 if isinstance(node.op, Conv) else 0)
                made = made * own.scale.double().reshape(-1, *spatial)
                value = (made + roles["bias"].double().reshape(-1, *spatial) if "bias" in roles else made).float()
            elif isinstance(node.op, Averaging):
                value = interpreter.evaluate(node, [one.double() for one in given], roles).float()
            elif isinstance(node.op, BatchNorm):
                gain = (roles["variance"] + node.op.epsilon).rsqrt() * roles.get("weight", 1.0)
                shift = roles.get("bias", 0.0) - roles["mean"] * gain
                spread = (-1, *(1,) * (given[0].dim() - 2))
                value = given[0] * gain.reshape(spread) + shift.reshape(spread)
            else:
                value = interpreter.evaluate(node, given, roles)
            if node.name in patch.stages:
                value = patch.stages[node.name].value(value, images, tops[node.name])
            values[node.name] = value
        return values


def _fires(node: SourceNode) -> bool:
    return isinstance(node.op, Activation | Curve)


def _top(value: Tensor) -> float:
    return float(value.abs().max())


def _flat(integers: Tensor) -> list[int]:
    return [int(value) for value in integers.reshape(-1)]


def _rewritten(integers: Tensor, patch: Patch, name: str) -> Tensor:
    flat = _flat(integers)
    for place, integer in zip(patch.weights[name].places, patch.weights[name].integers, strict=True):
        flat[int(place)] = int(integer)
    return torch.tensor(flat, dtype=integers.dtype).reshape(integers.shape)


def written(stored: Blueprint, patch: Patch) -> Blueprint:
    """A network with faulty integers in place of its own."""
    arrays = dict(stored.arrays)
    for name in patch.weights:
        arrays[f"{name}.weight"] = _rewritten(arrays[f"{name}.weight"], patch, name)
    return Blueprint(stored.plan, arrays)


def program_of(faulty: Blueprint, golden: Blueprint) -> Program:
    """Executable, in the arithmetic that the fault-free network runs in."""
    if golden.plan.encoder.clocked:
        return fold(faulty, dtype=torch.float32).eval()
    try:
        lowered(golden)
    except NotExact:
        return fold(faulty, dtype=torch.float64).eval()
    return lowered(faulty).double().eval()


def walked(program: Program, x: Tensor, patch: Patch, images: NDArray[np.int64]) -> Tensor:
    """The read-out of the stepwise engine, whose stages fire under the faults of the map."""
    plan = program.plan
    x = x.to(next(buffer.dtype for buffer in program.buffers()))
    values = {INPUT: plan.encoder(x) if plan.warmup or plan.encoder.clocked else total_input(program, x)}
    for instruction in program.instructions:
        node = instruction.node
        inputs = [values[name] for name in node.inputs]
        if node is plan.readout:  # it only sums, so time goes first: the engines round once
            total = deliver(instruction, totals(instruction, inputs, plan.warmup))[0]
            return scaled(total if instruction.bias is None else total + instruction.bias, program.worth(node.name))
        currents = _currents(program, instruction, inputs)
        if not isinstance(instruction, StageInstruction):
            values[node.name] = currents
            continue
        firing = instruction.firing
        steady = _arrives_as_total(program, node) and not firing.schedule.waits
        drive = constant_drive(instruction, currents[0]) if steady else drive_of(instruction, currents)
        fault = patch.stages.get(node.name)
        if fault is None:
            train = firing.schedule.run(firing.law, drive, firing.code)
        else:
            law = fault.law(firing.law, images, drive.threshold)
            train = fault.train(firing.schedule.run(law, fault.drive(drive), firing.code), images)
        values[node.name] = weighted(train, firing.code)
    raise AssertionError("a plan ends with its read-out")


def accuracies(found: Sequence[Outcome], images: int) -> list[float]:
    """Shares of images that are right, by map."""
    return [each.right / images for each in found]
