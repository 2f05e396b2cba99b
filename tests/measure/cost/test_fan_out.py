"""Fan-out against one event at a time, carried forward through the plan; MACs by hand."""

import pytest
import torch
from support.by_hand import Builder, conv2d
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.ops import Averaging, Operation
from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.ann.ops.moves import Concat, Identity, Permute, Reshape, Slice, ZeroPad
from spikewright.ann.ops.pools import AdaptiveAveragePool, AveragePool, MaxPool, Mean
from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.measure.cost.fan_out import fan_out, macs_source
from spikewright.snn.alignments.average import Average
from spikewright.snn.alignments.replicate import Replicate
from spikewright.snn.alignments.truncate import Truncate
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.grid import Grid
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.nodes import AnyAlignment, Edge, Node, Stage
from spikewright.snn.schedules.lockstep import Lockstep

CODE = Code.bit_planes(3)
LINEAR = Linear()


def slow_fan_out(blueprint: Blueprint, stage: str) -> Tensor:
    """Send one event of each neuron down the plan and add up what it costs on the way."""
    shape = next(node.shape for node in blueprint.plan.nodes if node.name == stage)
    costs = []
    for element in range(torch.Size(shape).numel()):
        event = torch.zeros(shape, dtype=torch.float64)
        event.view(-1)[element] = 1
        costs.append(_follow(blueprint, stage, event))
    return torch.tensor(costs, dtype=torch.float64).reshape(shape)


def _follow(blueprint: Blueprint, start: str, event: Tensor) -> float:
    plan, cost = blueprint.plan, 0.0
    shapes = {INPUT: plan.input_shape, **{node.name: node.shape for node in plan.nodes}}
    events: dict[str, Tensor] = {start: event}
    summed: set[str] = set()  # what is an average of events
    for node in plan.nodes:
        if not any(name in events for name in node.inputs):
            continue
        given = [events.get(name, torch.zeros(shapes[name], dtype=torch.float64)) for name in node.inputs]
        weight = blueprint.array(node, "weight")
        if weight is not None:
            cost += float(node.op([given[0].unsqueeze(0)], (weight != 0).double()).sum())
            continue
        passed = _pass(node, given)
        stops = isinstance(node, Stage)
        averaged = isinstance(node.op, Averaging) or any(name in summed for name in node.inputs)
        if stops or (node is plan.readout and averaged):
            cost += float(passed.sum())
        if not stops:
            events[node.name] = passed
            if averaged:
                summed.add(node.name)
    return cost


def _pass(node: Node, given: list[Tensor]) -> Tensor:
    if not isinstance(node.op, Averaging):
        return node.op([value.unsqueeze(0) for value in given])[0]
    total = torch.zeros(node.shape, dtype=torch.float64)
    for index in given[0].nonzero():
        alone = torch.zeros_like(given[0])
        alone[tuple(index)] = 1
        total += given[0][tuple(index)] * (node.op([alone.unsqueeze(0)])[0] != 0)
    return total


def tangle() -> Blueprint:
    """Every kind of consumer at once: strides, groups, ragged windows, branches, sums, moves."""
    net = Builder((2, 7, 6))
    a = net.add("a", conv2d(padding=1), INPUT, weight=net.weight(4, 2, 3, 3), code=CODE)
    pooled = net.add(
        "pooled",
        AveragePool(kernel=(3, 3), stride=(2, 2), padding=(1, 1), ceil_mode=True, count_include_pad=False),
        a,
    )
    grouped = conv2d(stride=2, padding=2, dilation=2, groups=2)
    b = net.add("b", grouped, pooled, weight=net.weight(6, 2, 3, 2), code=CODE)
    up = conv2d(stride=2, padding=1, groups=2, transposed=True, output_padding=(1, 0))
    wide = net.add("wide", up, b, weight=net.weight(6, 2, 3, 3))
    cut = net.add("cut", Slice(dim=2, start=1, stop=6, step=2), a)
    turned = net.add("turned", Permute(dims=(0, 1, 3, 2)), cut)
    padded = net.add("padded", ZeroPad(pads=(1, 0, 0, 2)), turned)
    row = net.add("row", Mean(dims=(1,), keepdim=True), padded)
    c = net.add("c", Add(), padded, row, code=CODE)
    d = net.add("d", AdaptiveAveragePool(size=(3, 4)), c, code=Code.rate(2))
    e = net.add(
        "e",
        Identity(),
        wide,
        code=CODE,
        before=[MaxPool(kernel=(2, 2), stride=(1, 1), padding=(0, 0), dilation=(1, 1))],
    )
    f = net.add("f", Scale(), d, weight=net.weight(4, 1, 1, zeros=0.5), code=CODE)
    flat = [net.add(f"{name}.flat", Reshape(shape=(torch.Size(net.shapes[name]).numel(),)), name) for name in (d, e, f)]
    joined = net.add("joined", Concat(dim=1), *flat)
    g = net.add("g", LINEAR, joined, weight=net.weight(5, net.shapes[joined][0]), code=CODE)
    again = net.add("again", Add(), g, g)
    net.add("out", LINEAR, again, weight=net.weight(3, 5, zeros=0))
    return net.done()


def test_fan_out_of_a_tangled_plan_is_that_of_single_events() -> None:
    blueprint = tangle()
    found = fan_out(blueprint)
    assert set(found.accumulations) == {node.name for node in blueprint.plan.stages}
    for node in blueprint.plan.stages:
        assert torch.equal(found.accumulations[node.name], slow_fan_out(blueprint, node.name)), node.name
        assert found.accumulations[node.name].dtype is torch.float64
    assert all(bool(found.accumulations[name].any()) for name in "abcdefg")


def test_macs_of_the_tangled_plan_are_those_of_the_input() -> None:
    # 2·4 channel pairs; along 7 rows 3·7−2 kernel rows lie inside, along 6 columns 3·6−2
    assert fan_out(tangle()).macs_by_node == {"a": 8 * 19 * 16}


def test_fan_out_runs_in_inference_mode() -> None:
    with torch.inference_mode():
        found = fan_out(tangle())
    assert found.macs_per_sample == 8 * 19 * 16


@pytest.mark.parametrize(
    ("op", "shape", "expected"),
    [
        (Identity(), (2, 2), [[0, 0], [0, 0]]),  # reading spikes as they are is free
        (Reshape(shape=(4,)), (2, 2), [[0, 0], [0, 0]]),
        (Mean(dims=(2,), keepdim=False), (2, 2), [[1, 1], [1, 1]]),  # a sum is one accumulation a spike
    ],
)
def test_read_out_that_has_no_weights(op: Operation, shape: tuple[int, ...], expected: list[list[int]]) -> None:
    net = Builder(shape)
    net.add("a", Identity(), INPUT, code=CODE)
    net.add("out", op, "a")
    assert fan_out(net.done()).accumulations["a"].tolist() == expected


def test_an_average_that_is_moved_to_the_read_out_is_summed_once() -> None:
    net = Builder((2, 4))
    net.add("a", Identity(), INPUT, code=CODE)
    net.add("mean", AveragePool(kernel=(3,), stride=(1,), padding=(0,)), "a")
    net.add("out", Reshape(shape=(4,)), "mean")
    assert fan_out(net.done()).accumulations["a"].tolist() == [[1, 2, 2, 1]] * 2


def test_a_bottleneck_and_a_gain_after_a_max_pool_are_macs() -> None:
    net = Builder((2, 4, 4))
    pool = MaxPool(kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1))
    net.add("a", conv2d(), INPUT, weight=net.weight(3, 2, 1, 1), code=CODE, before=[pool, Scale()])
    net.add("narrow", conv2d(), "a", weight=net.weight(2, 3, 1, 1, zeros=0.0))
    net.add("joined", Concat(dim=1), "narrow", "a")
    net.add("b", conv2d(), "joined", weight=net.weight(4, 5, 1, 1), code=CODE)
    net.add("flat", Reshape(shape=(16,)), "b")
    net.add("out", LINEAR, "flat", weight=net.weight(3, 16))
    blueprint = net.done()
    found = fan_out(blueprint)
    # a: 2·3 weights at 16 places, one gain for each of 3·4 pooled potentials; b: only its 2 graded channels
    assert found.macs_by_node == {"a": 6 * 16, "b": 2 * 4 * 4}
    assert found.shifts_by_node == {"a": 12}  # the gains are 1/2
    gains = torch.tensor([0.6, -1.0, -0.25], dtype=torch.float64).reshape(3, 1, 1)
    other = fan_out(
        Blueprint(blueprint.plan, {**blueprint.arrays, "a.before0.weight": gains, "a.before1.weight": gains})
    )
    assert (other.macs_by_node["a"], other.shifts_by_node) == (6 * 16 + 4, {"a": 4})
    by_a = 2 + (blueprint.arrays["b.weight"][:, 2:, 0, 0] != 0).sum(0)
    assert torch.equal(found.accumulations["a"], by_a.double().reshape(3, 1, 1).expand(3, 2, 2))
    assert found.macs_dense_per_sample == 6 * 16 + 6 * 4 + 20 * 4 + 48


def difference(factor: float) -> tuple[Blueprint, Tensor]:
    """Two trains of 6 neurons, one minus the other (or times another factor), into weights [4, 6]; and these."""
    net, factors = Builder((5,)), torch.tensor(factor, dtype=torch.float64)
    a, b = (net.add(name, LINEAR, INPUT, weight=net.weight(6, 5), code=CODE) for name in "ab")
    turned = net.add("turned", Scale(), b, weight=factors)
    apart = net.add("apart", Add(), a, turned)
    weight = net.weight(4, 6)
    net.add("c", LINEAR, apart, weight=weight, code=CODE)
    net.add("out", LINEAR, "c", weight=net.weight(2, 4))
    return net.done(), weight


def test_a_difference_of_two_trains_is_added_and_subtracted() -> None:
    blueprint, weight = difference(-1.0)
    found = fan_out(blueprint)
    met = torch.tensor([sum(float(row[i]) != 0 for row in weight) for i in range(6)], dtype=torch.float64)
    assert torch.equal(found.accumulations["a"], met) and torch.equal(found.accumulations["b"], met)
    assert found.macs_by_node == {"a": 30, "b": 30} and not found.shifts_by_node
    # the values themselves: every product of a difference is a weight, its negative, or nothing
    for one, other in ((1, 0), (0, 1), (1, 1)):
        event = torch.full((6,), one - other, dtype=torch.float64)
        assert set((weight * event).abs().flatten().tolist()) <= {*weight.abs().flatten().tolist(), 0.0}


def test_a_train_times_another_factor_is_numbers() -> None:
    blueprint, _ = difference(0.3)
    found = fan_out(blueprint)
    assert found.macs_by_node == {"a": 30, "b": 30, "c": 24}
    assert torch.equal(found.accumulations["a"], torch.ones(6, dtype=torch.float64))  # into the sum
    assert torch.equal(found.accumulations["b"], torch.ones(6, dtype=torch.float64))  # into the product


def test_a_sum_with_a_bottleneck_in_it_is_numbers() -> None:
    net = Builder((5,))
    a = net.add("a", LINEAR, INPUT, weight=net.weight(6, 5), code=CODE)
    narrow = net.add("narrow", LINEAR, a, weight=net.weight(6, 6, zeros=0))
    both = net.add("both", Add(), a, narrow)
    net.add("out", LINEAR, both, weight=net.weight(2, 6))
    found = fan_out(net.done())
    assert found.macs_by_node == {"a": 30, "out": 12}
    assert found.accumulations["a"].tolist() == [6 + 1] * 6


@pytest.mark.parametrize(
    ("factor", "macs", "shifts"), [(1.0, 0, 0), (-1.0, 0, 0), (4.0, 0, 5), (-0.5, 0, 5), (3.0, 5, 0)]
)
def test_graded_values_times_a_factor(factor: float, macs: int, shifts: int) -> None:
    net = Builder((5,))
    net.add("turned", Scale(), INPUT, weight=torch.full((5,), factor, dtype=torch.float64))
    net.add("a", LINEAR, "turned", weight=net.weight(6, 5), code=CODE)
    net.add("out", LINEAR, "a", weight=net.weight(2, 6))
    found = fan_out(net.done())
    assert found.macs_by_node == {"a": 30, **({"turned": macs} if macs else {})}
    assert found.shifts_per_sample == shifts


@pytest.mark.parametrize("op", [Add(), Scale()])
def test_a_read_out_that_sums_spikes_pays_one_each_and_one_that_turns_them_nothing(op: Operation) -> None:
    net = Builder((5,))
    net.add("a", LINEAR, INPUT, weight=net.weight(6, 5), code=CODE)
    weight = torch.tensor(-1.0, dtype=torch.float64) if op.scales else None
    net.add("out", op, *(["a"] if op.scales else ["a", "a"]), weight=weight)
    assert fan_out(net.done()).accumulations["a"].tolist() == [0.0 if op.scales else 2.0] * 6


@pytest.mark.parametrize(
    ("first", "alignment", "delivered"),
    [
        (3, Replicate(7), 7),  # steps 0 0 0 1 1 2 2
        (7, Replicate(3), 3),  # steps 0 2 4
        (7, Truncate(4), 4),
        (3, Average(7), 3),  # each spike is accumulated once, whatever is done with the mean
        (7, Average(3), 7),
        (5, None, 5),
    ],
)
def test_a_spike_through_an_alignment_is_paid_as_often_as_it_is_delivered(
    first: int, alignment: AnyAlignment | None, delivered: int
) -> None:
    net = Builder((4,))
    net.add("a", Identity(), INPUT, code=Code.rate(first), schedule=Lockstep())
    steps = first if alignment is None else alignment.timesteps
    weight = net.weight(3, 4)
    net.add("b", LINEAR, Edge("a", alignment), weight=weight, code=Code.rate(steps), schedule=Lockstep())
    net.add("out", LINEAR, "b", weight=net.weight(2, 3))
    # one spike at each of a's steps, all of them: the weights they meet, times the steps that are delivered
    paid = fan_out(net.done()).accumulations["a"] * first
    expected = (weight != 0).sum(0).double() * delivered
    assert torch.allclose(paid, expected)
    if alignment is not None and not alignment.averages:
        marks = alignment(torch.eye(first).unsqueeze(1))  # [steps, 1, first]: which step each one takes
        assert int((marks != 0).sum()) == delivered


def test_copies_multiply_along_a_way_and_each_way_pays_its_own() -> None:
    net = Builder((4,))
    net.add("a", Identity(), INPUT, code=Code.rate(2), schedule=Lockstep())
    net.add("same", Identity(), Edge("a", Replicate(6)))  # 3 copies
    weight, other = net.weight(3, 4), net.weight(5, 4)
    net.add(
        "b", LINEAR, Edge("same", Truncate(3)), weight=weight, code=Code.rate(3), schedule=Lockstep()
    )  # half of them
    net.add("c", LINEAR, Edge("a", Average(2)), weight=other, code=Code.rate(2), schedule=Lockstep())
    net.add("joined", Concat(dim=1), "b", "c")
    net.add("out", LINEAR, "joined", weight=net.weight(2, 8))
    expected = 1.5 * (weight != 0).sum(0) + (other != 0).sum(0)
    assert torch.allclose(fan_out(net.done()).accumulations["a"], expected.double())


@pytest.mark.parametrize("encoder", [Repeat(4), Grid()])
def test_other_graded_inputs_are_multiplied_once(encoder: Repeat | Grid) -> None:
    net = Builder((4,), encoder=encoder)
    net.add("a", LINEAR, INPUT, weight=net.weight(3, 4), code=CODE)
    net.add("out", LINEAR, "a", weight=net.weight(2, 3))
    found = fan_out(net.done())
    assert found.macs_per_sample == 12
    assert INPUT not in found.accumulations


def test_macs_of_a_source_leave_the_padding_out() -> None:
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16, 5),
    ).eval()
    # 3×3 with padding 1 on 8: 22 of 24 kernel positions an axis; stride 2 on 4: 5 of 6
    assert macs_source(capture(model, torch.randn(2, 2, 8, 8))) == 8 * 22**2 + 4 * 5**2 + 80
