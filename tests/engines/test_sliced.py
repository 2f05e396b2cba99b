"""The read-out in slices of time: that of the stepwise engine, in memory that does not grow with the window."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from support.handmade import Network, Weights, aligned, branched, dyadic, edge, gaussian
from support.live import Live
from torch import Tensor, nn

import spikewright as sw
from spikewright.conversion.align import Joining
from spikewright.engines.network import SpikingNetwork, build
from spikewright.engines.sliced import STEPS, order
from spikewright.errors import SpikewrightError
from spikewright.snn.alignments.average import Average
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.bernoulli import Bernoulli
from spikewright.snn.encoders.direct import Direct
from spikewright.snn.encoders.frames import Frames
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.neurons.hard_reset import HardReset
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.neurons.signed import Signed
from spikewright.snn.nodes import AnyLaw
from spikewright.snn.schedules.clocked import Clocked
from spikewright.snn.schedules.two_phase import TwoPhase

LONG = 4 * STEPS  # a power of two: with `dyadic` every sum is exact in float64


def walked(network: SpikingNetwork, x: Tensor) -> Tensor:
    *_, last = network.walk(x)
    return last.codes


def sliced(network: SpikingNetwork) -> bool:
    return order(network.program) is not None


def residual(
    steps: int, *, law: AnyLaw | None = None, code: Code | None = None, start: float = 0.5, draw: Weights | None = None
) -> Blueprint:
    """Two trains meet in a sum, a graded node stands between, and the read-out reads a stage that others read too."""
    draw, code = draw or dyadic(3), code or Code.rate(steps)
    network = Network(5, draw, encoder=Repeat(steps))
    law = law or IntegrateFire()
    network.add("stem", edge("input"), outputs=6, code=code, unit=0.25, start=start, law=law)
    network.add("graded", edge("stem"), outputs=6)
    network.add("inner", edge("graded"), code=code, start=start, law=law)
    network.add("joined", edge("inner"), edge("stem"), code=code, start=start, bias=False, law=law)
    network.add("sum", edge("joined"), edge("stem"))
    network.add("out", edge("sum"), outputs=3)
    return network.done()


def clocked(encoder: Direct | Bernoulli | Frames, law: AnyLaw) -> Blueprint:
    draw, code = dyadic(5), Code.rate(encoder.timesteps)
    network = Network(5, draw, encoder=encoder)  # pyright: ignore[reportArgumentType]
    network.add("stem", edge("input"), outputs=6, code=code, schedule=Clocked(), law=law, unit=1.0, start=0.0)
    network.add("last", edge("stem"), outputs=6, code=code, schedule=Clocked(), law=law, unit=1.0, start=0.0)
    network.add("out", edge("last"), outputs=3)
    return network.done()


def pooled(method: str, steps: int) -> Blueprint:
    """Max pools before firing: running totals go on from slice to slice."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        norm, x = nn.BatchNorm2d(6), torch.rand(8, 2, 8, 8)
        nn.init.uniform_(norm.bias, 0.5, 1.0)
        first, second = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)
        layers = (first, nn.ReLU(), second, nn.MaxPool2d(2), norm, nn.ReLU(), nn.AvgPool2d(2), nn.Flatten())
        model = nn.Sequential(*layers, nn.Linear(24, 3)).eval()
    return sw.convert(model, x, method=method, timesteps=steps).blueprint


LAWS: dict[str, AnyLaw | None] = {"soft": None, "hard": HardReset(), "signed": Signed()}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("steps", [STEPS, STEPS + 1, LONG])
@pytest.mark.parametrize("start", [0.0, 0.5, 1.5])
def test_the_read_out_of_lockstep(law: str, steps: int, start: float) -> None:
    """At 1.5 thresholds the first stage has no closed form: it reads the input's train."""
    exact = steps != STEPS + 1  # else float64 rounds: weights among which there are no ties
    draw = dyadic if exact else gaussian
    network = build(residual(steps, law=LAWS[law], start=start, draw=draw(3)), dtype=torch.float64)
    x = draw(1)(32, 5) * 4
    assert sliced(network)
    expected = walked(network, x)
    assert expected.unique().numel() > 8
    if exact:
        assert torch.equal(network(x), expected)
    torch.testing.assert_close(network(x), expected, rtol=1e-12, atol=1e-12)


def test_steps_of_unequal_weight() -> None:
    """A spike weighs as its place in the whole window says, not in its slice."""
    weights = tuple(range(LONG, 0, -1))
    blueprint = residual(LONG, code=Code(weights))
    network, x = build(blueprint, dtype=torch.float64), dyadic(1)(32, 5) * 256
    assert sliced(network)
    assert torch.equal(network(x), walked(network, x))
    assert any(0 < record.codes.max() < sum(weights) for record in network.walk(x))


@pytest.mark.parametrize("encoder", [Direct(LONG), Bernoulli(LONG), Frames(LONG)])
@pytest.mark.parametrize("law", [Leaky(leak=0.5), Leaky(leak=0.5, reset="delayed"), Leaky(leak=1.0, reset="hard")])
def test_the_read_out_of_clocked_networks(encoder: Direct | Bernoulli | Frames, law: Leaky) -> None:
    network = build(clocked(encoder, law), dtype=torch.float64)
    shape = (16, LONG, 5) if encoder.timed else (16, 5)
    x = dyadic(2)(*shape).abs()
    assert sliced(network)
    expected = walked(network, x)
    assert expected.unique().numel() > 4
    torch.testing.assert_close(network(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", ["qcfs", "hard_reset", "snm"])
def test_max_pools_before_firing(method: str) -> None:
    network = build(pooled(method, 3 * STEPS + 1), dtype=torch.float64)
    assert any(stage.firing.before_firing for stage in network.plan.stages) and sliced(network)
    x = torch.rand(8, 2, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(network(x), walked(network, x), rtol=1e-10, atol=1e-10)


def waiting() -> Blueprint:
    """A stage that fires by the clock reads one that has to see its window first."""
    draw, code = dyadic(3), Code.rate(LONG)
    network = Network(5, draw, encoder=Repeat(LONG))
    network.add("first", edge("input"), outputs=6, code=code, start=1.5)
    network.add("waits", edge("first"), outputs=6, code=code, schedule=TwoPhase())
    network.add("last", edge("waits"), outputs=6, code=code)
    network.add("out", edge("last"), outputs=3)
    return network.done()


def totalled(between: int) -> Blueprint:
    """A mean of a train is a constant current of a closed form whose own train is read, directly or one further on."""
    draw, code, mean = dyadic(3), Code.rate(LONG), Average(LONG)
    network = Network(5, draw, encoder=Repeat(LONG))
    network.add("first", edge("input"), outputs=6, code=code, start=1.5)
    last = "first"
    for index in range(between):
        network.add(f"mean{index}", edge(last, mean), outputs=6, code=code)
        last = f"mean{index}"
    network.add("last", edge(last), outputs=6, code=code)
    network.add("out", edge("last"), outputs=3)
    return network.done()


WHOLE: dict[str, Callable[[], Blueprint]] = {
    "a warm-up": lambda: pooled("srp", LONG),
    "a correction": lambda: pooled("cos", LONG),
    "a stage that waits": waiting,
    "trains of other lengths": lambda: aligned(
        branched(dyadic(0), (LONG, 16, LONG, 8, LONG)), Joining.parse("replicate")
    ),
    "a mean that drives a train": lambda: totalled(1),
    "a mean of a mean": lambda: totalled(2),
    "means of other lengths": lambda: aligned(
        branched(dyadic(0), (LONG, 16, LONG, 8, LONG), start=1.5), Joining.parse("average")
    ),
    "no train": lambda: pooled("exact", 4),
}


@pytest.mark.parametrize("why", WHOLE)
def test_what_cannot_be_sliced_runs_whole(why: str) -> None:
    network = build(WHOLE[why](), dtype=torch.float64)
    x = torch.rand(8, *network.plan.sample_shape, dtype=torch.float64)
    assert not sliced(network)
    torch.testing.assert_close(network(x), walked(network, x), rtol=1e-10, atol=1e-10)


def peak(network: SpikingNetwork, x: Tensor, run: Callable[[SpikingNetwork, Tensor], object]) -> int:
    with torch.no_grad(), Live() as live:
        run(network, x)
    return live.peak


@pytest.mark.parametrize(
    "make",
    [
        residual,
        lambda steps: residual(steps, start=1.5),
        lambda steps: clocked(Direct(steps), Leaky(leak=0.5)),
        lambda steps: pooled("qcfs", steps),
        lambda steps: pooled("hard_reset", steps),
    ],
)
def test_memory_does_not_grow_with_the_window(make: Callable[[int], Blueprint]) -> None:
    short, long = (build(make(steps)) for steps in (3 * STEPS, 30 * STEPS))
    x = torch.rand(16, *short.plan.sample_shape)
    assert peak(long, x, lambda network, x: network(x)) == peak(short, x, lambda network, x: network(x))
    whole = [peak(network, x, walked) for network in (short, long)]
    assert whole[1] > 5 * whole[0]  # so it can be seen


def test_no_call_leaves_anything_behind() -> None:
    network, x = build(residual(LONG), dtype=torch.float64), dyadic(1)(32, 5) * 4
    first = network(x)
    network(x * 2)
    assert torch.equal(network(x), first)


def test_a_train_that_is_too_long_is_refused_as_ever() -> None:
    blueprint = residual(LONG)
    with pytest.raises(SpikewrightError):
        replace(blueprint.plan, inputs=(replace(blueprint.plan.input, encoder=Repeat(2 * LONG)),))
