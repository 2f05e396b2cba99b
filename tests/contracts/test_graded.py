"""Networks that compute with numbers between their neurons: against fractions, in every engine, by every method."""

from fractions import Fraction

import pytest
import torch
from support import zoo
from support.converted import captured, converted
from support.zoo import Net
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann.capture.capture import capture
from spikewright.conversion.convert import convert
from spikewright.conversion.methods import Method
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.methods.hard_reset import HardReset
from spikewright.conversion.methods.opi import Opi
from spikewright.conversion.methods.qac import Qac
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.methods.snm import Snm
from spikewright.conversion.methods.snnc_light import SnncLight
from spikewright.conversion.methods.srp import Srp
from spikewright.engines.lower.integer import lowered
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.errors import BadPlan, UnsupportedModule
from spikewright.measure.equality.certificate import verify
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Stage

# Numbers in fractions --------------------------------------------------------------------------------------

THETA, TIMESTEPS = Fraction(15, 4), 4  # a unit of a quarter


def _dyadic(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randint(-4, 5, shape, generator=generator) / 4


def _model(generator: torch.Generator) -> Net:
    def compute(m: Net, x: Tensor) -> Tensor:
        a, b = m.act(m.a(x)), m.act(m.b(x))
        gated = a * m.c(b) + torch.maximum(a, b)  # m.c has a constant, which stops in front of the product
        return m.out(m.act(gated - torch.minimum(m.c(b), a))) + a * a

    layers = {name: nn.Linear(4, 4) for name in ("a", "b", "c", "out")}
    for layer in layers.values():
        layer.weight.data, layer.bias.data = _dyadic((4, 4), generator), _dyadic((4,), generator)
    return Net(compute, act=zoo.Rounded(torch.tensor(float(THETA)), levels=15), **layers)


def _fire(potential: list[Fraction]) -> tuple[list[list[int]], list[Fraction]]:
    """Spikes [T][neuron] of each neuron, step after step, and what they add up to."""
    unit = THETA / 15
    left, spikes = [u + unit / 2 for u in potential], []
    for step in reversed(range(TIMESTEPS)):
        worth = 2**step * unit
        fired = [int(u >= worth) for u in left]
        left = [u - worth * s for u, s in zip(left, fired, strict=True)]
        spikes.append(fired)
    value = [
        sum((2 ** (TIMESTEPS - 1 - t) * unit * row[i] for t, row in enumerate(spikes)), Fraction(0)) for i in range(4)
    ]
    return spikes, value


def _layer(layer: nn.Linear, x: list[Fraction]) -> list[Fraction]:
    rows = zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
    return [sum((Fraction(w) * v for w, v in zip(row, x, strict=True)), Fraction(b)) for row, b in rows]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_agrees_with_exact_fractions_spike_by_spike(seed: int) -> None:
    """All numbers are dyadic and tie often, so float64 is exact and a tie decides many spikes."""
    generator = torch.Generator().manual_seed(seed)
    model, x = _model(generator), _dyadic((20, 4), generator)
    source = capture(model, x)
    blueprint = Exact(timesteps=TIMESTEPS)(source)
    assert verify(blueprint, source, [x]).equal
    records = list(build(blueprint, dtype=torch.float64).walk(x.double()))
    for sample in range(len(x)):
        given = [Fraction(value) for value in x[sample].tolist()]
        first, a = _fire(_layer(model.a, given))
        second, b = _fire(_layer(model.b, given))
        c = _layer(model.c, b)
        z = [p * q + max(p, r) - min(q, p) for p, q, r in zip(a, c, b, strict=True)]
        third, value = _fire(z)
        output = [y + p * p for y, p in zip(_layer(model.out, value), a, strict=True)]
        for record, train in zip(records, (first, second, third), strict=False):
            assert isinstance(record, StageRecord) and record.train is not None
            assert record.train[:, sample].tolist() == train
        assert [Fraction(found) for found in records[-1].codes[sample].tolist()] == output


# Constants -------------------------------------------------------------------------------------------------


def test_a_constant_stops_at_the_node_or_at_an_identity_where_others_read_on() -> None:
    def compute(m: Net, x: Tensor) -> Tensor:
        a, b = m.a(x), m.b(x)
        return m.out(F.relu(a * b) + F.relu(a))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = Net(compute, a=nn.Linear(4, 4), b=nn.Linear(4, 4), out=nn.Linear(4, 3))
        x = torch.randn(40, 4)
    source = capture(model, x)
    blueprint = convert(source, Exact(timesteps=3), [x])
    plan = blueprint.plan
    product = next(node for node in plan.nodes if not node.op.linear)
    of_a, of_b = (next(node for node in plan.nodes if node.name == name) for name in product.inputs)
    assert (of_b.name, of_b.op.kind) == ("b", "linear")
    assert torch.equal(blueprint.arrays["b.bias"], model.b.bias.detach().double())
    assert (of_a.inputs, of_a.op.kind) == (("a",), "identity")
    assert torch.equal(blueprint.arrays[f"{of_a.name}.bias"], model.a.bias.detach().double())
    assert "a.bias" not in blueprint.arrays
    fires = [node for node in plan.stages if node.inputs == ("a",)]
    assert torch.equal(blueprint.arrays[f"{fires[0].name}.bias"], model.a.bias.detach().double())
    assert [node.op.kind for node in plan.stages if node.inputs == (product.name,)] == ["identity"]
    assert verify(blueprint, source, [x]).proven


def test_without_its_constant_or_unit_it_is_not_equal() -> None:
    for name in ("layer_norms", "squeeze_and_excitation", "quotients_and_extremes"):
        blueprint, source, x = converted(name)
        assert verify(blueprint, source, [x]).proven
        biases = [key for key in blueprint.arrays if key.endswith(".bias")]
        graded = [node.name for node in blueprint.plan.nodes[:-1] if not isinstance(node, Stage)]
        for key in biases:
            if key.removesuffix(".bias") in graded:
                arrays = {each: array for each, array in blueprint.arrays.items() if each != key}
                assert not verify(Blueprint(blueprint.plan, arrays), source, [x]).equal
        for key in (key for key in blueprint.arrays if key.endswith(".amplitude")):
            arrays = {**blueprint.arrays, key: blueprint.arrays[key] * 2}
            assert not verify(Blueprint(blueprint.plan, arrays), source, [x]).equal


# Every engine ----------------------------------------------------------------------------------------------

METHODS = [
    Exact(timesteps=3, postponed_firing=False),
    Exact(timesteps=4, left_shift=False, postponed_firing=False),
    Qcfs(timesteps=5),
    HardReset(timesteps=4),
    Opi(timesteps=4),
    Snm(timesteps=4),
    SnncLight(timesteps=4),
]


@pytest.mark.parametrize("name", [zoo.parameters(name) for name in zoo.GRADED])
@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_engines_agree_without_postponed_firing(name: str, method: Method) -> None:
    source, x, statistics = captured(name)
    network = build(convert(source, method, [x], statistics=statistics), dtype=torch.float64)
    for slow, fast in zip(network.walk(x.double()), network.collapse(x.double()), strict=True):
        if isinstance(slow, StageRecord):
            assert torch.equal(slow.codes, fast.codes)
        else:
            torch.testing.assert_close(slow.codes, fast.codes, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", [zoo.parameters(name) for name in zoo.GRADED])
def test_averaged_trains_are_equal(name: str) -> None:
    source, x, statistics = captured(name)
    steps = tuple(range(3, 3 + len(source.activations)))
    assert verify(Qac(timesteps=steps)(source, statistics), source, [x]).equal


@pytest.mark.parametrize("name", zoo.GRADED[:6:5])
def test_long_windows_in_slices_are_those_of_the_whole(name: str) -> None:
    source, x, statistics = captured(name)
    network = build(Qcfs(timesteps=19)(source, statistics), dtype=torch.float64)
    whole = [record.codes for record in network.collapse(x.double())][-1]
    torch.testing.assert_close(network(x.double()), whole, rtol=1e-11, atol=1e-11)


# Refused in a line -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["squeeze_and_excitation", "max_pool_of_the_input"])
def test_a_warm_up_is_refused(name: str) -> None:
    source, _, statistics = captured(name)
    with pytest.raises(BadPlan, match="which a warm-up has none of: choose a method without one"):
        Srp(timesteps=4)(source, statistics)


@pytest.mark.parametrize("name", [zoo.parameters(name) for name in zoo.NUMBERS])
def test_integers_are_refused_by_name(name: str) -> None:
    with pytest.raises(UnsupportedModule, match=r"lowering to integers cannot take the operation '\w+'"):
        lowered(converted(name)[0])
