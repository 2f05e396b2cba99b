"""Small plans made by hand, of layers on plain vectors, and a slow simulation of them in fractions.

The simulation stays in the value scale, where the engines work in each stage's own unit, and does one step of one
neuron after the other. It knows linear layers, sums, concatenations and nodes that pass values on.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction

import torch
from torch import Tensor

from spikewright.ann.ops import Operation
from spikewright.ann.ops.arithmetic import Add
from spikewright.ann.ops.moves import Concat, Identity
from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.conversion.align import Joining
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.ends import AnyEncoder
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.nodes import AnyAlignment, AnyLaw, AnySchedule, Edge, Firing, Node, Stage
from spikewright.snn.plan import Plan
from spikewright.snn.schedules.lockstep import Lockstep

Vector = list[Fraction]
Train = list[Vector]
Weights = Callable[..., Tensor]


def edge(source: str, alignment: AnyAlignment | None = None) -> Edge:
    return Edge(source, alignment)


def firing(
    code: Code, *, schedule: AnySchedule | None = None, law: AnyLaw | None = None, carries: str = "act"
) -> Firing:
    return Firing(law=law or IntegrateFire(), schedule=schedule or Lockstep(), code=code, carries=carries)


def node(
    name: str,
    *edges: Edge | str,
    op: Operation | None = None,
    shape: tuple[int, ...] = (2,),
    fires: Firing | None = None,
) -> Node:
    """A node of a plan that is never run; it passes its input on unless told otherwise."""
    read = tuple(Edge(one) if isinstance(one, str) else one for one in edges)
    made = Node(name=name, op=op or (Identity() if len(read) == 1 else Add()), edges=read, shape=shape)
    return made if fires is None else made.as_stage(fires)


def plan(*nodes: Node, encoder: AnyEncoder | None = None) -> Plan:
    return Plan.of(nodes, encoder=encoder or Graded(), input_shape=(2,))


class Network:
    """A blueprint on vectors, layer by layer; `draw` makes weights."""

    def __init__(self, inputs: int, draw: Weights, *, encoder: AnyEncoder | None = None) -> None:
        self.draw, self.encoder = draw, encoder or Graded()
        self.sizes = {INPUT: inputs}
        self.nodes: list[Node] = []
        self.arrays: dict[str, Tensor] = {}

    def add(
        self,
        name: str,
        *edges: Edge,
        op: Operation | None = None,
        outputs: int = 0,
        code: Code | None = None,
        unit: float = 0.5,
        start: float = 0.5,
        bias: bool = True,
        **more: object,
    ) -> None:
        """A node; with `outputs` it is a linear layer, with a code it fires."""
        read = [self.sizes[one.source] for one in edges]
        if outputs:
            op = Linear()
            self.arrays[f"{name}.weight"] = self.draw(outputs, read[0])
        op = op or (Identity() if len(edges) == 1 else Add())
        size = outputs or (sum(read) if isinstance(op, Concat) else read[0])
        self.sizes[name] = size
        made = Node(name=name, op=op, edges=edges, shape=(size,))
        if code is not None:
            made = made.as_stage(firing(code, carries=name, **more))  # pyright: ignore[reportArgumentType]
            self.arrays[f"{name}.threshold"] = self.arrays[f"{name}.amplitude"] = torch.tensor(unit).double()
            self.arrays[f"{name}.initial_potential"] = torch.tensor(unit * start).double()
            if bias:
                self.arrays[f"{name}.bias"] = self.draw(size)
        self.nodes.append(made)

    def done(self) -> Blueprint:
        made = Plan.of(tuple(self.nodes), encoder=self.encoder, input_shape=(self.sizes[INPUT],))
        return Blueprint(made, self.arrays)


# The simulation -----------------------------------------------------------------------------------------------


def simulate(blueprint: Blueprint, x: Sequence[float]) -> dict[str, Train]:
    """One sample: by stage the 0/1 spikes, and for the read-out one vector."""
    arrays = {name: _fractions(array) for name, array in blueprint.arrays.items()}
    encoder = blueprint.plan.encoder
    value = [Fraction(number) for number in x]
    steps = encoder.timesteps if isinstance(encoder, Repeat) else 1
    runs: dict[str, Train] = {INPUT: [[number / steps for number in value] for _ in range(steps)]}
    reported: dict[str, Train] = {}
    for one in blueprint.plan.nodes:
        currents = _apply(one, [_align(runs[read.source], read.alignment) for read in one.edges], arrays)
        bias = arrays.get(f"{one.name}.bias")
        bias = [Fraction(0)] * one.shape[0] if bias is None else _spread(bias, one.shape[0])
        if not isinstance(one, Stage):
            runs[one.name] = currents
            if one is blueprint.plan.readout:
                reported[one.name] = [
                    [sum(column, b) for column, b in zip(zip(*currents, strict=True), bias, strict=True)]
                ]
            continue
        unit, start = arrays[f"{one.name}.threshold"], arrays[f"{one.name}.initial_potential"]
        spikes = _fire(one.firing, currents, bias, unit, start)
        reported[one.name] = spikes
        worth = arrays[f"{one.name}.amplitude"]
        weights = one.firing.code.step_weights
        runs[one.name] = [[w * worth * s for s in fired] for w, fired in zip(weights, spikes, strict=True)]
    return reported


def _fire(how: Firing, currents: Train, bias: Vector, unit: Fraction, start: Fraction) -> Train:
    weights = how.code.step_weights
    potential, train = [start] * len(bias), []
    if how.schedule.waits:
        potential = [start + sum(column, b) for column, b in zip(zip(*currents, strict=True), bias, strict=True)]
    for step, weight in enumerate(weights):
        if not how.schedule.waits:
            arriving = currents[step] if step < len(currents) else [Fraction(0)] * len(bias)
            potential = [u + c + b / len(weights) for u, c, b in zip(potential, arriving, bias, strict=True)]
        train.append([Fraction(int(u >= weight * unit)) for u in potential])
        potential = [u - s * weight * unit for u, s in zip(potential, train[-1], strict=True)]
    return train


def _align(train: Train, alignment: AnyAlignment | None) -> Train:
    """In the value scale a step of T is 1/T of the classical one."""
    if alignment is None:
        return train
    given, steps = len(train), alignment.timesteps
    classical = [[given * value for value in vector] for vector in train]
    if alignment.kind == "average":
        mean = [sum(column, Fraction(0)) / given for column in zip(*classical, strict=True)]
        aligned = [mean] * steps
    else:
        aligned = [classical[t * given // steps if alignment.kind == "replicate" else t] for t in range(steps)]
    return [[value / steps for value in vector] for vector in aligned]


def _apply(one: Node, inputs: list[Train], arrays: dict) -> Train:
    steps = max(len(train) for train in inputs)
    inputs = [train + [[Fraction(0)] * len(train[0])] * (steps - len(train)) for train in inputs]
    result = []
    for step in range(steps):
        vectors = [train[step] for train in inputs]
        if isinstance(one.op, Linear):
            weight = arrays[f"{one.name}.weight"]
            result.append([sum((w * v for w, v in zip(row, vectors[0], strict=True)), Fraction(0)) for row in weight])
        elif isinstance(one.op, Concat):
            result.append([value for vector in vectors for value in vector])
        else:
            result.append([sum(column, Fraction(0)) for column in zip(*vectors, strict=True)])
    return result


def _fractions(array: Tensor):
    return _nested(array.double().tolist())


def _nested(values):
    return [_nested(value) for value in values] if isinstance(values, list) else Fraction(values)


def _spread(value, size: int) -> Vector:
    return value if isinstance(value, list) else [value] * size


# Networks -----------------------------------------------------------------------------------------------------


def dyadic(seed: int, size: int = 6, divisor: int = 8) -> Weights:
    """Weights on a grid on which float64 is exact as long as every number of steps is a power of two."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randint(-size, size + 1, shape, generator=generator).double() / divisor

    return draw


def gaussian(seed: int) -> Weights:
    """Weights among which ties do not happen."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64) * 0.6

    return draw


def branched(draw: Weights, steps: Sequence[int], *, start: float = 0.5) -> Network:
    """A residual branch of other lengths, graded nodes between, one stage read by three, and a concatenation."""
    network = Network(4, draw)
    codes = [Code.rate(count) for count in steps]
    network.add("stem", Edge(INPUT), outputs=5, code=codes[0], unit=0.25, start=start)
    network.add("inner", Edge("stem"), outputs=4, code=codes[1], start=start)
    network.add("graded", Edge("inner"), outputs=5)
    network.add("joined", Edge("graded"), Edge("stem"), code=codes[2], unit=0.125, start=start)
    network.add("side", Edge("stem"), outputs=3, code=codes[3], start=start, bias=False)
    network.add("both", Edge("joined"), Edge("side"), op=Concat(dim=1))
    network.add("last", Edge("both"), outputs=4, code=codes[4], unit=0.25, start=start)
    network.add("out", Edge("last"), outputs=3)
    return network


def aligned(network: Network, joining: Joining) -> Blueprint:
    network.nodes = list(joining.align(network.nodes))
    return network.done()
