"""The int8 engine equals the integer mode, and NumPy integers, to the code on every kind of network and arithmetic."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support import zoo
from support.converted import converted
from support.integers import slow_codes
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import observe
from spikewright.conversion.quantise import quantise
from spikewright.engines.int8 import firing
from spikewright.engines.int8 import products as dot
from spikewright.engines.int8.network import Int8Network
from spikewright.engines.int8.operations import BYTES, SINGLE
from spikewright.engines.lower.integer import IntegerMode
from spikewright.engines.network import SpikingNetwork, build
from spikewright.engines.record import StageRecord
from spikewright.errors import BadData, NotExact
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.encoders.grid import Grid
from spikewright.snn.formats.uniform import Uniform

MODE = IntegerMode(weights=Uniform(bits=8))
KINDS = ("mlp", "conv_bn_relu", "resnet", "mobilenet_v2", "max_pool_shapes", "average_pools", "pre_activation_resnet")


def _lowered(name: str, timesteps: int = 3, mode: IntegerMode = MODE) -> tuple[SpikingNetwork, torch.Tensor]:
    blueprint, _, x = converted(name, timesteps=timesteps)
    try:
        return build(blueprint, lower=mode.lower), x
    except NotExact as refusal:
        pytest.skip(f"refused with a reason: {refusal}")


def _equal(network: SpikingNetwork, x: torch.Tensor) -> Int8Network:
    """Codes and read-out are those of the stepwise integer mode."""
    engine = Int8Network(network.program)
    own = next((buffer.dtype for buffer in network.buffers()), torch.float32)
    with torch.no_grad():
        for one, other in zip(engine.collapse(x), network.walk(x.to(own)), strict=True):
            assert one.node is other.node
            assert torch.equal(one.codes.double(), other.codes.double()), one.node.name
        assert torch.equal(engine(x), network(x.to(own)))
    return engine


@pytest.mark.parametrize("name", zoo.names(without=zoo.NUMBERS))
def test_equals_the_stepwise_integer_mode(name: str) -> None:
    network, x = _lowered(name)
    _equal(network, x[:3])


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("timesteps", [1, 4, 8, 9])
def test_every_number_of_timesteps(name: str, timesteps: int) -> None:
    network, x = _lowered(name, timesteps)
    _equal(network, x[:2])


@pytest.fixture(params=[0, 127])
def lesser_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """No byte products at all, or such that saturate with large codes."""
    monkeypatch.setattr(dot, "largest_code", lambda: request.param)
    yield request.param


@pytest.mark.parametrize("name", KINDS)
def test_a_lesser_machine_gives_the_same_codes(name: str, lesser_machine: int) -> None:
    network, x = _lowered(name, timesteps=4)
    engine = _equal(network, x[:2])
    if not lesser_machine:
        assert BYTES not in engine.arithmetic.values()


@pytest.mark.parametrize("name", KINDS)
def test_sums_that_float32_cannot_hold(name: str) -> None:
    """16-bit weights leave the bytes; a wide input grid has its products split in two."""
    network, x = _lowered(name, mode=IntegerMode(weights=Uniform(bits=16), encoder=Grid(fraction_bits=12, limit=2**18)))
    engine = _equal(network, x[:2])
    assert BYTES not in engine.arithmetic.values()


def test_a_wide_first_layer_stays_in_float32() -> None:
    network, x = _lowered("conv_bn_relu", mode=IntegerMode(weights=Uniform(bits=8), encoder=Grid(limit=2**20)))
    first = network.program.instructions[0]
    assert first.reach.sum >= 2**24
    assert _equal(network, x).arithmetic[first.node.name] == SINGLE


def test_bytes_are_used_where_they_can_be() -> None:
    if dot.largest_code() == 0:
        pytest.skip("this machine has no byte products")
    network, _ = _lowered("resnet", timesteps=4)
    read = {instruction.node.name: instruction.reach.read for instruction in network.program.instructions}
    (first, arithmetic), *others = Int8Network(network.program).arithmetic.items()
    assert arithmetic == SINGLE, f"{first}: the input is no byte"
    assert sorted({read[name] > 127 for name, _ in others}) == [False, True]
    for name, arithmetic in others:  # without VNNI products are exact for codes up to 127 alone
        assert arithmetic == (BYTES if read[name] <= dot.largest_code() else SINGLE), name


def test_stored_weights() -> None:
    blueprint, _, x = converted("resnet", timesteps=4)
    _equal(build(quantise(blueprint, Uniform(bits=5, per_channel=True)), lower=MODE.lower), x[:3])


@pytest.mark.parametrize("name", KINDS)
def test_potentials_that_float64_firing_cannot_prove_are_divided(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing, "_FLOAT64_FIRING", 0.0)
    network, x = _lowered(name)
    _equal(network, x[:2])


def test_max_pools_of_large_images() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(784, 3))
    x = torch.randn(3, 1, 28, 28)
    source = capture(model.eval(), x)
    _equal(build(Exact(timesteps=4)(source, observe(source, [x])), lower=MODE.lower), x)


def test_order_and_batch_do_not_matter() -> None:
    network, x = _lowered("resnet")
    engine = Int8Network(network.program)
    alone = torch.cat([engine(row.unsqueeze(0)) for row in x.flip(0)]).flip(0)
    assert torch.equal(engine(x), alone)
    strided = x.contiguous(memory_format=torch.channels_last)
    assert torch.equal(engine(strided), engine(x))


class _Gated(nn.Module):
    """A residual sum of a map [C, H, W] and of one number a channel [C, 1, 1], which is broadcast."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate, self.out = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 1), nn.Linear(4 * 64, 5)
        self.swapped = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b = self.conv(x).relu()
        g = self.gate(nn.functional.adaptive_avg_pool2d(b, 1)).relu()
        return self.out((g + b if self.swapped else b + g).relu().flatten(1))


@pytest.mark.parametrize("swapped", [False, True])
def test_a_residual_sum_that_broadcasts(swapped: bool) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        model, x = _Gated().eval(), torch.randn(4, 3, 8, 8)
    model.swapped = swapped
    source = capture(model, x)
    network = build(Exact(timesteps=3)(source, observe(source, [x])), lower=MODE.lower)
    engine = _equal(network, x)
    counts = [record.codes for record in engine.collapse(x) if isinstance(record, StageRecord)]
    assert all(len(codes.unique()) > 2 for codes in counts)


def test_inputs_of_another_shape_are_refused() -> None:
    network, x = _lowered("resnet")
    with pytest.raises(BadData, match="takes inputs of shape"):
        Int8Network(network.program)(x[..., :-1])


def test_a_network_that_holds_no_integers_is_refused_by_name() -> None:
    network = build(converted("mlp", timesteps=3)[0])
    with pytest.raises(NotExact, match=network.plan.nodes[0].name):
        Int8Network(network.program)


def test_overflow_is_refused_by_name() -> None:
    blueprint, _, _ = converted("resnet", timesteps=4)
    for stage in blueprint.plan.stages[:3]:
        if f"{stage.name}.bias" in blueprint.arrays:
            huge = {**blueprint.arrays, f"{stage.name}.bias": torch.tensor(1e13)}
            with pytest.raises(NotExact, match=f"'{stage.name}'"):
                build(Blueprint(blueprint.plan, huge), lower=MODE.lower)


# Random networks -----------------------------------------------------------------------------------------


class _Residual(nn.Module):
    def __init__(self, inner: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.inner, self.shortcut, self.act = inner, shortcut, nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.inner(x) + self.shortcut(x))


@st.composite
def _networks(draw: st.DrawFn) -> nn.Module:
    channels, layers = 3, []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["conv", "depthwise", "residual", "projected", "max", "average"]))
        width = draw(st.sampled_from([3, 6, 8]))
        if kind == "conv":
            layers += [
                nn.Conv2d(channels, width, 3, padding=1, bias=draw(st.booleans())),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            channels = width
        elif kind == "depthwise":
            layers += [nn.Conv2d(channels, channels, 3, padding=1, groups=channels), nn.ReLU()]
        elif kind == "residual":
            inner = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
            layers += [nn.ReLU(), _Residual(inner, nn.Identity())]
        elif kind == "projected":
            inner = nn.Sequential(
                nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
            )
            layers += [_Residual(inner, nn.Conv2d(channels, width, 1))]
            channels = width
        elif kind == "max":
            layers += [nn.Conv2d(channels, channels, 1), nn.MaxPool2d(3, 1, 1), nn.ReLU()]
        else:
            layers += [nn.Conv2d(channels, channels, 1), nn.ReLU(), nn.AvgPool2d(2, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 4))


@settings(max_examples=15, deadline=None)
@given(model=_networks(), timesteps=st.integers(1, 5), bits=st.sampled_from([3, 8]), seed=st.integers(0, 999))
def test_random_networks_equal_numpy_integers(model: nn.Module, timesteps: int, bits: int, seed: int) -> None:
    torch.manual_seed(seed)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.4)
    x = torch.randn(2, 3, 6, 6)
    source = capture(model.eval(), x)
    blueprint = Exact(timesteps=timesteps)(source, observe(source, [x]))
    program = IntegerMode(weights=Uniform(bits=bits)).lower(blueprint)
    expected = slow_codes(program, x.double())
    for record in Int8Network(program).collapse(x):
        if isinstance(record, StageRecord):
            assert np.array_equal(record.codes.numpy().astype(np.int64), expected[record.node.name]), record.node.name
