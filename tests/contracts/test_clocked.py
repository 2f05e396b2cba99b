"""Clocked networks of any shape: stepwise, collapsed and a simulation in fractions are one, ties and all."""

from fractions import Fraction

import torch
from hypothesis import given
from hypothesis import strategies as st
from support.handmade import Network, Train, Vector, dyadic
from torch import Tensor

from spikewright.ann.ops.arithmetic import Add
from spikewright.ann.ops.moves import Concat
from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.bernoulli import Bernoulli
from spikewright.snn.encoders.direct import Direct
from spikewright.snn.encoders.frames import Frames
from spikewright.snn.ends import AnyEncoder
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.nodes import Edge, Firing, Stage
from spikewright.snn.schedules.clocked import Clocked

SIZE = 3


@st.composite
def laws(draw: st.DrawFn) -> Leaky | IntegrateFire:
    """Numbers on which float64 is exact: halves, and membranes of two bits, which are −a, 0 and a."""
    if draw(st.integers(0, 4)) == 0:
        return IntegrateFire()
    stored = MembraneFormat(bits=2, scale=draw(st.sampled_from([0.5, 1.0, 2.0]))) if draw(st.booleans()) else None
    reset = draw(st.sampled_from(["soft", "hard", "delayed"]))
    return Leaky(leak=draw(st.sampled_from([1.0, 0.5, 0.25, 0.0])), reset=reset, membrane=stored)


@st.composite
def networks(draw: st.DrawFn) -> tuple[Blueprint, Tensor]:
    """Stages and graded nodes that read anything before them, and inputs that fit."""
    timesteps = draw(st.integers(1, 5))
    weights = dyadic(draw(st.integers(0, 10**6)))
    encoder: AnyEncoder = draw(st.sampled_from([Direct(timesteps), Frames(timesteps), Bernoulli(timesteps, 3)]))
    network, names = Network(SIZE, weights, encoder=encoder), [INPUT]
    for index in range(draw(st.integers(1, 5))):
        name = f"n{index}"
        read = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2))
        fires = index == 0 or draw(st.integers(0, 3)) > 0
        unit = draw(st.sampled_from([0.25, 0.5, 1.0, 2.0]))
        stage = {
            "code": Code.rate(timesteps), "schedule": Clocked(), "law": draw(laws()), "unit": unit,
            "start": draw(st.sampled_from([0.0, 0.5])), "bias": draw(st.booleans()),
        }  # fmt: skip
        outputs = SIZE if len(read) == 1 and draw(st.booleans()) else 0
        network.add(name, *map(Edge, read), outputs=outputs, **(stage if fires else {}))
        names.append(name)
    last = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    network.add("all", *map(Edge, last), op=Concat(dim=1) if len(last) > 1 else None)
    network.add("out", Edge("all"), outputs=2)
    network.arrays["out.bias"] = weights(2)
    shape = (2, timesteps, SIZE) if encoder.timed else (2, SIZE)
    return network.done(), weights(*shape) * 4


@given(networks())
def test_all_three_agree_spike_for_spike(made: tuple[Blueprint, Tensor]) -> None:
    blueprint, x = made
    network = build(blueprint, dtype=torch.float64)
    train = blueprint.plan.encoder(x)
    walked, collapsed = list(network.walk(x)), list(network.collapse(x))
    assert [one.node.name for one in walked] == [two.node.name for two in collapsed]
    reported = [simulate(blueprint, train[:, sample].tolist()) for sample in range(len(x))]
    for one, two in zip(walked, collapsed, strict=True):
        assert torch.equal(one.codes, two.codes)
        if not isinstance(one, StageRecord):
            assert one.codes.tolist() == [sample["out"][0] for sample in reported]
            continue
        assert one.train is not None and two.train is not None
        assert torch.equal(one.train, two.train)
        assert one.codes.tolist() == one.train.sum(0).tolist()
        for sample, expected in enumerate(reported):
            assert one.train[:, sample].tolist() == expected[one.node.name]


@given(networks(), st.data())
def test_a_sample_does_not_depend_on_its_batch(made: tuple[Blueprint, Tensor], data: st.DataObject) -> None:
    blueprint, x = made
    network = build(blueprint, dtype=torch.float64)
    order = data.draw(st.lists(st.integers(0, len(x) - 1), min_size=1, max_size=4))
    assert torch.equal(network(x[order]), network(x)[order])


# The simulation -----------------------------------------------------------------------------------------------


def simulate(blueprint: Blueprint, train: list[list[float]]) -> dict[str, Train]:
    """One sample, given its input at each step: by stage its spikes, and the read-out's sum over the window."""
    arrays = {name: _nested(array.double().tolist()) for name, array in blueprint.arrays.items()}
    runs: dict[str, Train] = {INPUT: [[Fraction(value) for value in step] for step in train]}
    reported: dict[str, Train] = {}
    for node in blueprint.plan.nodes:
        inputs = [runs[name] for name in node.inputs]
        currents = [
            _apply(node.op, [run[t] for run in inputs], arrays.get(f"{node.name}.weight")) for t in range(len(train))
        ]
        bias = arrays.get(f"{node.name}.bias", [Fraction(0)] * len(currents[0]))
        if isinstance(node, Stage):
            reported[node.name] = _fire(node.firing, currents, bias, *(arrays[f"{node.name}.{role}"] for role in ROLES))
            worth = arrays[f"{node.name}.amplitude"]
            runs[node.name] = [[worth * spike for spike in step] for step in reported[node.name]]
        elif node is blueprint.plan.readout:
            reported[node.name] = [
                [sum(column, b) for column, b in zip(zip(*currents, strict=True), bias, strict=True)]
            ]
        else:
            runs[node.name] = currents
    return reported


ROLES = ("threshold", "initial_potential")


def _fire(how: Firing, currents: Train, bias: Vector, threshold: Fraction, start: Fraction) -> Train:
    law, train = how.law, []
    leak = Fraction(law.leak) if isinstance(law, Leaky) else Fraction(1)
    reset = law.reset if isinstance(law, Leaky) else "soft"
    stored = law.membrane if isinstance(law, Leaky) else None
    membrane, owed = [start] * len(bias), [Fraction(0)] * len(bias)
    for current in currents:
        spikes = []
        for i, (arriving, b) in enumerate(zip(current, bias, strict=True)):
            m = leak * membrane[i] + arriving + b - owed[i]
            fired = m >= threshold
            owed[i] = threshold if fired and reset == "delayed" else Fraction(0)
            if fired and reset != "delayed":
                m = m - threshold if reset == "soft" else Fraction(0)
            if stored is not None:
                top = Fraction(stored.scale) * threshold
                m = top * ((min(max(m / top, Fraction(-1)), Fraction(1)) + Fraction(1, 2)) // 1)
            membrane[i] = m
            spikes.append(Fraction(int(fired)))
        train.append(spikes)
    return train


def _apply(op, inputs: list[Vector], weight) -> Vector:
    if isinstance(op, Linear):
        return [sum((w * v for w, v in zip(row, inputs[0], strict=True)), Fraction(0)) for row in weight]
    if isinstance(op, Concat):
        return [value for vector in inputs for value in vector]
    assert len(inputs) == 1 or isinstance(op, Add)
    return [sum(column, Fraction(0)) for column in zip(*inputs, strict=True)]


def _nested(values):
    return [_nested(value) for value in values] if isinstance(values, list) else Fraction(values)
