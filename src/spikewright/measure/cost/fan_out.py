"""Fan-out: how many accumulations one spike of each neuron causes, exact to the last border pixel.

A reverse pass over the plan. A spike pays one accumulation for each non-zero weight it meets, one for each
sum or membrane it is added to as it is, and nothing for being moved. An average without firing of its own is
composed with what follows: the spike pays what each window it is in has to pay there. Through an alignment that
repeats or drops steps a spike is delivered more or less often than once: its mean number of copies is counted.

A sum or difference of trains that does not fire is composed like an average: its spikes, with their signs, go on
to what follows one by one, and a factor of ±1 is free.

Values that are not spikes (a graded input, what a linear bottleneck or a sum with one passes on) are multiplied: what
weighted operations do with them is counted as MACs, dense, the same for every sample. So are products of two signals,
and a gain applied to pooled potentials before firing; gains of ±1 are free, and other powers of two are shifts. A
constant input that is repeated over the steps is multiplied once; in a clocked network what varies, and reaches a
stage, is multiplied at every step. Additions of graded values to a sum, and biases, are not counted. What norms,
softmax, quotients and maxima compute is counted beside (`Work`). Knows nothing about how often anything spikes.

Source: SynOps as NeuroBench defines them ("Effective ACs", https://arxiv.org/abs/2304.04640). Differs from
its counter, which calls averaged or scaled spikes MACs and sees no sums.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from spikewright.ann.ops import Product, Work
from spikewright.ann.ops.rules import gathered
from spikewright.ann.shapes import blank, shape_made, stand_in
from spikewright.ann.source import Source
from spikewright.measure.cost.events import Reading, transposed
from spikewright.measure.cost.synapses import Shape, weights_met
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Node, Stage
from spikewright.snn.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class FanOut:
    """What a spike costs downstream, and what is multiplied whatever the spikes do.

    Attributes:
        numbers: the nodes, or `INPUT`, that pass on numbers rather than spikes, in some element.
        accumulations: for each stage (and `INPUT` where the input is spikes) the accumulations one spike of
            each neuron causes, [*features] float64.
        macs_by_node: multiplications with graded values in each node that has any, per sample.
        shifts_by_node: the same, of gains that are powers of two.
        macs_dense_per_sample: multiplications of all matrix products and convolutions, and of two signals, run as an
            ANN.
        work_by_node: of each node that is not linear, what else than products it computes, per sample.

    """

    numbers: frozenset[str]
    accumulations: Mapping[str, Tensor]
    macs_by_node: Mapping[str, int]
    shifts_by_node: Mapping[str, int]
    macs_dense_per_sample: int
    work_by_node: Mapping[str, Work] = field(default_factory=dict)

    @property
    def macs_per_sample(self) -> int:
        """Multiplications with graded values, per sample."""
        return sum(self.macs_by_node.values())

    @property
    def shifts_per_sample(self) -> int:
        """Shifts of graded values, per sample."""
        return sum(self.shifts_by_node.values())

    @property
    def work(self) -> Work:
        """What all nodes that are not linear compute, but for products, per sample."""
        return total_work(self.work_by_node.values())


EVENTS = gathered("counting of events", "spikewright.measure.cost.events")


def spiking_inputs(plan: Plan) -> tuple[str, ...]:
    """The inputs that are spikes rather than graded values: by their encoder, or ids, each a one among zeros."""
    return tuple(each.name for each in plan.inputs if each.encoder.spiking or each.ids is not None)


def fan_out(blueprint: Blueprint) -> FanOut:
    """Trace every stage's spikes to what they cause; once per network."""
    plan, wiring, courses = blueprint.plan, _wire(blueprint), blueprint.plan.courses
    numbers = frozenset(name for name, graded in wiring.graded.items() if bool(graded.any()))
    demand = {name: _zeros(shape) for name, shape in wiring.shapes.items()}
    # 1 where a read-out takes an element as it is
    read = {**demand, **{node.name: _ones(node.shape) for node in plan.outputs.values()}}
    for node in reversed(plan.nodes):
        given = [wiring.shapes[name] for name in node.inputs]
        costs = _costs(node, wiring, given, demand[node.name] + read[node.name] * _sums(node))
        for edge, cost in zip(node.edges, costs, strict=True):
            copies = 1.0 if edge.alignment is None else edge.alignment.copies(courses[edge.source].steps)
            demand[edge.source] = demand[edge.source] + cost * copies
        if node.op.scales and node.name not in numbers and not isinstance(node, Stage):
            read[node.inputs[0]] = read[node.inputs[0]] + read[node.name].unsqueeze(0).sum_to_size(1, *given[0])[0]
        if node.op.moves and not isinstance(node, Stage):
            for name, part in zip(node.inputs, transposed(node.op, given, read[node.name]), strict=True):
                read[name] = read[name] + part
    spiking = (*(node.name for node in plan.stages), *spiking_inputs(plan))
    linear = [node for node in plan.nodes if isinstance(node.op, Product)]
    times = _times(plan)
    counted = {node.name: _graded_products(node, wiring) for node in plan.nodes}
    work = {node.name: _work(node, wiring) for node in plan.nodes if not node.op.linear}
    macs = {name: count.macs * times[name] for name, count in counted.items()}
    shifts = {name: count.shifts * times[name] for name, count in counted.items()}
    return FanOut(
        numbers=numbers,
        accumulations={name: demand[name].contiguous() for name in spiking},
        macs_by_node={name: count for name, count in macs.items() if count},
        shifts_by_node={name: count for name, count in shifts.items() if count},
        macs_dense_per_sample=sum(int(wiring.dense(node).sum()) for node in linear)
        + sum(each.macs for each in work.values()),
        work_by_node={name: each._replace(macs=0) for name, each in work.items()},
    )


def macs_source(source: Source) -> int:
    """Multiplications of a source network per sample: matrix products and convolutions, batch norm folded, and gates.

    Only those inside the image: a multiplication with padding is not one.
    """
    shapes: dict[str, Shape] = source.shapes
    products = sum(
        dense_macs(node.op, source.arrays[dict(node.arrays)["weight"]], shapes[node.inputs[0]], node.shape)
        for node in source.nodes
        if isinstance(node.op, Product)
    )
    return products + work_source(source).macs


def work_source(source: Source) -> Work:
    """What a source computes that is not linear, per sample; activations and max pools are not counted."""
    shapes: dict[str, Shape] = source.shapes
    return total_work(
        node.op.work([shapes[name] for name in node.inputs], node.shape)
        for node in source.nodes
        if not (node.op.linear or node.op.activates or node.op.maximum)
    )


def total_work(parts: Iterable[Work]) -> Work:
    """Their sum."""
    total = Work()
    for part in parts:
        total = total.plus(part)
    return total


def dense_macs(op: Product, weight: Tensor, given: Shape, made: Shape) -> int:
    """Multiplications of one operation on one sample, zero weights included, padding left out."""
    return int(weights_met(op, weight, given=given, made=made, dense=True).sum())


def op_shape(node: Node, shapes: Mapping[str, Shape], weight: Tensor | None) -> Shape:
    """The shape of what a node's operation makes, before any max pool: of its membranes, if it fires."""
    arrays = None if weight is None else stand_in(weight)
    return shape_made(node.op, [shapes[name] for name in node.inputs], lambda inputs: node.op(inputs, arrays))


@dataclass(frozen=True, slots=True, eq=False)
class _Wiring:
    """Shapes and kinds of what flows through a blueprint."""

    blueprint: Blueprint
    shapes: Mapping[str, Shape]  # of each node's value
    made: Mapping[str, Shape]  # of what its operation makes
    graded: Mapping[str, Tensor]  # which elements of its value are numbers rather than spikes, [*shape] bool

    def dense(self, node: Node) -> Tensor:
        """Weights that each element of a weighted node's input meets, zero or not."""
        assert node.op.weighted
        weight, given = self.blueprint.arrays[f"{node.name}.weight"], self.shapes[node.inputs[0]]
        return weights_met(node.op, weight, given=given, made=self.made[node.name], dense=True)


def _wire(blueprint: Blueprint) -> _Wiring:
    plan = blueprint.plan
    shapes: dict[str, Shape] = plan.shapes
    made = {node.name: op_shape(node, shapes, blueprint.array(node, "weight")) for node in plan.nodes}
    spiking = spiking_inputs(plan)
    graded = {each.name: torch.tensor(each.name not in spiking).expand(each.value_shape) for each in plan.inputs}
    for node in plan.nodes:
        if isinstance(node, Stage):
            found = torch.tensor(False)
        elif isinstance(node.op, Product) or not node.op.linear or blueprint.array(node, "bias") is not None:
            found = torch.tensor(True)
        else:
            weight = blueprint.array(node, "weight")
            found = node.op([graded[name].float().unsqueeze(0) for name in node.inputs], _ones_like(weight))[0] > 0
            found = found if weight is None else found | ~_signs(weight)
        graded[node.name] = found.expand(node.shape)
    return _Wiring(blueprint, shapes, made, graded)


def _sums(node: Node) -> int:
    """Whether what the read-out takes as it is from this node still has to be summed: an average, or a sum."""
    return int(node.op.averages or node.op.adds)


def _costs(node: Node, wiring: _Wiring, given: list[Shape], later: Tensor) -> list[Tensor]:
    """What one event at each element of each input costs here and, if it is only passed on, `later`."""
    reading = Reading(
        node.op,
        given,
        wiring.made[node.name],
        later,
        weight=wiring.blueprint.array(node, "weight"),
        accumulates=isinstance(node, Stage),
        graded=wiring.graded[node.name],
    )
    return EVENTS[node.op](reading)


class _Products(NamedTuple):
    """Products with graded values in a node."""

    macs: int = 0
    shifts: int = 0


def _graded_products(node: Node, wiring: _Wiring) -> _Products:
    """Those of its operation, and of gains before it fires."""
    macs, shifts = _work(node, wiring).macs, 0
    if node.op.weighted:
        met = torch.where(wiring.graded[node.inputs[0]], wiring.dense(node), 0.0)
        macs = int(met.sum())
        if node.op.scales:
            macs, shifts = _by_factor(wiring.blueprint.arrays[f"{node.name}.weight"], met)
    potential = blank(wiring.made[node.name])
    for index, op in enumerate(node.firing.before_firing if isinstance(node, Stage) else ()):
        if op.scales:
            gain = wiring.blueprint.arrays[f"{node.name}.before{index}.weight"]
            more = _by_factor(gain, torch.ones(potential.shape[1:]))
            macs, shifts = macs + more.macs, shifts + more.shifts
        else:
            potential = op([potential])
    return _Products(macs, shifts)


def _work(node: Node, wiring: _Wiring) -> Work:
    return node.op.work([wiring.shapes[name] for name in node.inputs], wiring.made[node.name])


def _by_factor(gain: Tensor, met: Tensor) -> _Products:
    """Products of so many values [*features] with a gain: of ±1 free, of other powers of two shifts."""
    free = gain.double().abs() == 1
    shifted = powers_of_two(gain) & ~free
    shifts = int((met * shifted).sum())
    return _Products(int((met * ~free).sum()) - shifts, shifts)


def powers_of_two(factors: Tensor) -> Tensor:
    """Where multiplying by a factor is a shift, bool [*]: it is ±2^k, k any whole number."""
    return torch.frexp(factors.double().abs()).mantissa == 0.5


def _signs(gain: Tensor) -> Tensor:
    """Where a factor leaves a spike one: it is 1, −1 or 0."""
    return torch.isin(gain.double().abs(), torch.tensor([0.0, 1.0], dtype=torch.float64))


def _times(plan: Plan) -> dict[str, int]:
    """How often each node multiplies graded values: in a clocked network, at every step at which they may differ.

    What only the read-out needs is multiplied once, as a total.
    """
    if not plan.encoder.clocked:
        return dict.fromkeys((node.name for node in plan.nodes), 1)
    drives, found = plan.drives, dict[str, int]()
    awaited = {node.name for node in plan.stages}  # at every step, by a stage
    for node in reversed(plan.nodes):
        if node.name in awaited:
            awaited.update(node.inputs)
        found[node.name] = drives[node.name].steps if node.name in awaited and not drives[node.name].constant else 1
    return found


def _ones_like(weight: Tensor | None) -> Tensor | None:
    return None if weight is None else torch.ones_like(weight, dtype=torch.float32)


def _zeros(shape: Shape) -> Tensor:
    return torch.zeros((), dtype=torch.float64).expand(shape)


def _ones(shape: Shape) -> Tensor:
    return torch.ones((), dtype=torch.float64).expand(shape)
