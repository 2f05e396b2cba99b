"""Stored integers through folding: they stay as they are, and make what the real weights make."""

from dataclasses import replace

import pytest
import torch
from support.by_hand import Builder, conv2d
from torch import Tensor

from spikewright.ann.ops import Operation
from spikewright.ann.ops.graded import Divide, Larger, Multiply, Normalise, Smaller
from spikewright.ann.ops.moves import Reshape
from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.engines.lower.folded import fold
from spikewright.engines.network import build
from spikewright.engines.program import Instruction
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.direct import Direct
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.schedules.clocked import Clocked

UNITS = {
    "one number": lambda *shape: torch.tensor(0.25),
    "by channel": lambda channels, *space: 2.0 ** torch.arange(-2, channels - 2).reshape(-1, *(1,) * len(space)),
    "by neuron": lambda *shape: 2.0 ** (torch.arange(torch.Size(shape).numel()) % 4 - 2).reshape(shape),
}
STORED = ("a", "b", "c", "out")


def network(thresholds: str, amplitudes: str) -> Blueprint:
    """Two convolutions and two matrix products whose weights are integers; everything on a grid of halves."""
    net = Builder((2, 5, 5), encoder=Direct(3))
    stage = {"code": Code.rate(3), "schedule": Clocked()}
    net.add("a", conv2d(padding=1), INPUT, weight=integers(net, 3, 2, 3, 3), **stage)
    net.add("b", conv2d(stride=2), "a", weight=integers(net, 4, 3, 2, 2), **stage)
    net.add("flat", Reshape(shape=(16,)), "b")
    net.add("c", Linear(), "flat", weight=integers(net, 6, 16), **stage)
    net.add("out", Linear(), "c", weight=integers(net, 3, 6))
    for name in STORED:
        shape = net.shapes[name]
        net.arrays[f"{name}.gain"] = 2.0 ** -torch.arange(shape[0]).reshape(-1, *(1,) * (len(shape) - 1)).double() / 2
        if name != "out":
            net.arrays[f"{name}.threshold"] = UNITS[thresholds](*shape).double()
            net.arrays[f"{name}.amplitude"] = UNITS[amplitudes](*shape).double()
            net.arrays[f"{name}.initial_potential"] = torch.tensor(0.125).double()
            net.arrays[f"{name}.bias"] = integers(net, *shape) / 16
    made = net.done()
    nodes = tuple(replace(node, weights=Uniform(bits=4)) if node.name in STORED else node for node in made.plan.nodes)
    saved = {name: array.to(torch.int8) if name.endswith(".weight") else array for name, array in made.arrays.items()}
    return Blueprint(replace(made.plan, nodes=nodes), saved)


def integers(net: Builder, *shape: int) -> Tensor:
    return torch.randint(-7, 8, shape, generator=net.generator).double()


@pytest.mark.parametrize("thresholds", UNITS)
@pytest.mark.parametrize("amplitudes", UNITS)
def test_integers_and_gains_make_what_real_weights_make(thresholds: str, amplitudes: str) -> None:
    stored = network(thresholds, amplitudes)
    real = {f"{node.name}.weight": stored.weight(node) for node in stored.plan.nodes if node.weights is not None}
    rest = {name: array for name, array in stored.arrays.items() if name not in real and not name.endswith(".gain")}
    nodes = tuple(replace(node, weights=None) for node in stored.plan.nodes)
    plain = Blueprint(replace(stored.plan, nodes=nodes), {**rest, **real})  # pyright: ignore[reportArgumentType]
    x = torch.randint(-8, 9, (4, 2, 5, 5), generator=torch.Generator().manual_seed(3)).double() / 8
    rates = []
    for one, two in zip(
        build(stored, dtype=torch.float64).walk(x), build(plain, dtype=torch.float64).walk(x), strict=True
    ):
        assert torch.equal(one.codes, two.codes), one.node.name
        rates.append(float(one.codes.double().abs().mean()))
    assert all(rate > 0 for rate in rates)


@pytest.mark.parametrize("thresholds", UNITS)
@pytest.mark.parametrize("amplitudes", UNITS)
def test_a_folded_step_computes_with_the_integers_themselves(thresholds: str, amplitudes: str) -> None:
    stored = network(thresholds, amplitudes)
    for dtype in (torch.float32, torch.float64):
        for step in fold(stored, dtype=dtype).instructions:
            if step.node.weights is not None:
                expected = stored.arrays[f"{step.node.name}.weight"].to(dtype)
                assert torch.equal(step.weight, expected)  # pyright: ignore[reportArgumentType]


def _two_stages(op: Operation, units: tuple[float, float]) -> Instruction:
    """The instruction of a node that reads two stages of these units."""
    net = Builder((4,))
    for name in "ab":
        net.add(name, Linear(), INPUT, weight=net.weight(4, 4), code=Code.bit_planes(3))
    net.add("n", op, "a", "b")
    net.add("out", Linear(), "n", weight=net.weight(3, 4))
    made = net.done()
    arrays = {f"{name}.amplitude": torch.tensor(unit).double() for name, unit in zip("ab", units, strict=True)}
    program = fold(Blueprint(made.plan, {**made.arrays, **arrays}), dtype=torch.float64)
    return next(one for one in program.instructions if one.node.name == "n")


def test_codes_of_one_unit_are_compared_as_they_are_and_others_in_the_value_scale() -> None:
    same = _two_stages(Larger(), (0.3, 0.3))
    assert (same.gain(0), same.gain(1), same.after) == (None, None, None)
    apart = _two_stages(Smaller(), (0.25, 0.5))
    assert (float(apart.gain(0)), float(apart.gain(1)), apart.after) == (0.25, 0.5, None)


def test_codes_are_multiplied_as_they_are_and_their_units_once_behind() -> None:
    product, quotient = _two_stages(Multiply(), (0.25, 0.5)), _two_stages(Divide(), (0.25, 0.5))
    for one, behind in ((product, 0.125), (quotient, 0.5)):
        assert (one.gain(0), one.gain(1), float(one.after)) == (None, None, behind)


def test_a_norm_reads_values() -> None:
    net = Builder((4,))
    net.add("a", Linear(), INPUT, weight=net.weight(4, 4), code=Code.bit_planes(3))
    net.add("n", Normalise(dims=(1,), epsilon=1e-5), "a")
    net.add("out", Linear(), "n", weight=net.weight(3, 4))
    (norm,) = (one for one in fold(net.done(), dtype=torch.float64).instructions if one.node.name == "n")
    assert float(norm.gain(0)) == pytest.approx(0.3)
    assert norm.after is None
