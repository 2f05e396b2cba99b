"""Fault campaigns as loops: a copy of the network with its faults written in, all images at once, counts one by one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright import interpreter
from spikewright.blueprint import Blueprint
from spikewright.campaigns.outcomes import Outcome
from spikewright.engines.currents import constant_drive, deliver, drive_of, scaled, total_input, totals
from spikewright.engines.stepwise import _arrives_as_total, _currents
from spikewright.errors import NotExact
from spikewright.faults import Fault, Patch
from spikewright.faults._draw import Draw
from spikewright.faults._sites import Memory, Neurons, Sites
from spikewright.folding import fold
from spikewright.ops import Conv, Linear
from spikewright.program import Program, Step
from spikewright.quantisation import load, quantise, store
from spikewright.quantisers.uniform import Uniform
from spikewright.running import lowered
from spikewright.source import INPUT, Activation, Source, SourceNode
from spikewright.trains import weighted


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
    float32 where it is clocked, else in float64. Those of an ordinary one are the interpreter's, in float64.
    """

    network: Blueprint | Source
    inputs: Tensor
    labels: Tensor
    weights: Uniform

    @property
    def sites(self) -> Sites:
        """All that may be struck, read off the network by hand."""
        low, high = ((float(self.inputs.min()),), (float(self.inputs.max()),))
        shape = tuple(self.inputs.shape[1:])
        if isinstance(self.network, Source):
            held = store(self.network, self.weights)
            first: dict[str, str] = {}
            for node in self.network.nodes:
                if isinstance(node.op, Linear | Conv):
                    first.setdefault(dict(node.arrays)["weight"], node.name)
            memories = [(name, held[array].integers, held[array].format.bits) for array, name in first.items()]
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
                if n.firing is not None
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
                return self._ordinary(self.network, x, patch, images).numpy()
            stored = quantise(self.network, self.weights)
            program = program_of(written(stored, patch), stored)
            return walked(program, x, patch, images).double().numpy()

    def outcome(self, fault: Fault, seed: int, stratum: str, number: int, sites: Sites | None = None) -> Outcome:
        """Of one map."""
        patch = fault.patch(self.sites if sites is None else sites, Draw(seed, stratum, number))
        golden, faulty = self.scores(Patch()), self.scores(patch)
        return counted(patch.hits, golden.tolist(), faulty.tolist(), self.labels.tolist())

    def outcomes(self, fault: Fault, maps: int, *, seed: int = 0, stratum: str = "model") -> list[Outcome]:
        """Of maps 0 … maps − 1."""
        return [self.outcome(fault, seed, stratum, number) for number in range(maps)]

    def _ordinary(self, source: Source, x: Tensor, patch: Patch, images: NDArray[np.int64]) -> Tensor:
        held = store(source, self.weights)
        names = {array: next(n.name for n in source.nodes if dict(n.arrays).get("weight") == array) for array in held}
        for array, name in names.items():
            if name in patch.weights:
                held[array] = held[array]._replace(integers=_rewritten(held[array].integers, patch, name))
        faulty, plain = (_in_float64(load(source, each)) for each in (held, store(source, self.weights)))
        tops: dict[str, float] = {}
        interpreter.run(plain, self.inputs.double(), watch=lambda node, value: tops.update({node.name: _top(value)}))

        def activate(node: SourceNode, z: Tensor, roles: dict[str, Tensor]) -> Tensor:
            value = interpreter.as_trained(node, z, roles)
            fault = patch.stages.get(node.name)
            return value if fault is None else fault.value(value, images, tops[node.name])

        return interpreter.run(faulty, x.double(), activate=activate)  # pyright: ignore[reportArgumentType]


def _fires(node: SourceNode) -> bool:
    return isinstance(node.op, Activation)


def _top(value: Tensor) -> float:
    return float(value.abs().max())


def _in_float64(source: Source) -> Source:
    return replace(source, arrays={name: array.double() for name, array in source.arrays.items()})


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
    return lowered(faulty).program.double().eval()


def walked(program: Program, x: Tensor, patch: Patch, images: NDArray[np.int64]) -> Tensor:
    """The read-out of the stepwise engine, whose stages fire under the faults of the map."""
    plan = program.plan
    x = x.to(next(buffer.dtype for buffer in program.buffers()))
    values = {INPUT: plan.encoder(x) if plan.warmup or plan.encoder.clocked else total_input(program, x)}
    for step in program.steps:
        assert isinstance(step, Step)
        node, firing = step.node, step.node.firing
        inputs = [values[name] for name in node.inputs]
        if node is plan.readout:  # it only sums, so time goes first: the engines round once
            total = deliver(step, totals(step, inputs, plan.warmup))[0]
            return scaled(total if step.bias is None else total + step.bias, program.worth)
        currents = _currents(program, step, inputs)
        if firing is None:
            values[node.name] = currents
            continue
        steady = _arrives_as_total(program, node) and not firing.schedule.waits
        drive = constant_drive(step, currents[0]) if steady else drive_of(step, currents)
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
