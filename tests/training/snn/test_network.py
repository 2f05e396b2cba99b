"""The network that trains: its neurons against loops and snnTorch, what it stores, and what it remembers of batches."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import snntorch
import torch
from hypothesis import assume, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from support import zoo
from support.direct import NEAR, Case, case, in_float64, require_equal, spikes_in_training
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann.capture.capture import capture
from spikewright.ann.ops.activations import BatchNorm
from spikewright.ann.ops.products import Conv, Linear
from spikewright.ann.source import Source
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.errors import BadModel
from spikewright.snn.formats.binary import Binary
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.surrogate import Arctangent, Triangle
from spikewright.training.snn.network import LEAST_SCALE, TrainingNetwork
from spikewright.training.snn.settings import NeuronSettings, SpikingSettings

ONE_TWO = SpikingSettings(
    timesteps=3,
    neurons=NeuronSettings(leak=0.5, reset="hard", membrane_bits=2, surrogate=Triangle(1.0)),
    weights=Binary(),
    edge_weights=Uniform(bits=8),
)


class Small(nn.Module):
    """Convolution, batch norm, max pool, a residual sum and a matrix product."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm0 = nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.first, self.norm1 = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.second, self.norm2 = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.out = nn.Linear(4 * 3 * 3, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.norm0(self.stem(x))), 2)
        x = F.relu(self.norm2(self.second(F.relu(self.norm1(self.first(x))))) + x)
        return self.out(x.flatten(1))


@cache
def small() -> tuple[Source, Tensor]:
    model, x = zoo.prepare(Small, (2, 6, 6), batch=6)
    return capture(model, x), x.abs().clamp(max=1.0)


@cache
def plain(*sizes: int) -> tuple[Source, Tensor]:
    """A perceptron without biases."""

    def make() -> nn.Module:
        layers = [part for i in range(len(sizes) - 1) for part in (nn.Linear(*sizes[i : i + 2], bias=False), nn.ReLU())]
        return nn.Sequential(*layers[:-1])

    model, x = zoo.prepare(make, (sizes[0],), batch=8)
    return capture(model, x), x


@st.composite
def all_settings(draw: st.DrawFn) -> SpikingSettings:
    leak = draw(st.sampled_from([1.0, 0.9, 0.5, 0.0]))
    stored = st.sampled_from([None, Binary(), Uniform(bits=2), Uniform(bits=5), Uniform(bits=8, per_channel=False)])
    neurons = NeuronSettings(
        threshold=draw(st.sampled_from([0.3, 1.0, 1.7])),
        leak=leak,
        learn_leak=0 < leak < 1 and draw(st.booleans()),
        reset=draw(st.sampled_from(["soft", "hard", "delayed"])),
        membrane_bits=draw(st.sampled_from([None, 2, 3, 8, 16])),
        squash=draw(st.booleans()),
    )
    return SpikingSettings(
        timesteps=draw(st.integers(1, 4)),
        encoding=draw(st.sampled_from(["direct", "rate", "frames"])),
        neurons=neurons,
        weights=draw(stored),
        edge_weights=draw(stored),
        readout=draw(st.sampled_from(["potential", "spikes"])),
        biases=draw(st.booleans()),
        seed=draw(st.integers(0, 100)),
    )


@hypothesis(max_examples=30)
@given(all_settings(), st.floats(0.5, 3.0))
def test_every_spike_is_that_of_the_loop(settings: SpikingSettings, strength: float) -> None:
    source, x = small()
    x = x[:2] if settings.encoding == "rate" else x[:2] * strength
    if settings.encoding == "frames":
        x = torch.stack([x.roll(step, 3) for step in range(settings.timesteps)], 1)
    one = case(source, settings, x)
    assume(one.reported.closest > NEAR)
    reported = require_equal(one)
    with torch.no_grad():
        found = one.network.run(one.x)
    np.testing.assert_allclose(found.output.double().numpy(), reported.output, rtol=1e-4, atol=1e-4)
    rates = [reported.spikes[stage].mean() for stage in one.network.stages]
    assert found.rates.tolist() == pytest.approx(rates, abs=1e-6)


def test_the_training_graph_is_the_frozen_network_but_for_rounding_at_a_threshold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many neurons on a coarse grid of inputs: what differs is counted, and is no farther off than float32 rounds."""
    source, _ = small()
    x = torch.randint(0, 5, (64, 2, 6, 6), generator=torch.Generator().manual_seed(1)).float() / 4
    for settings in (ONE_TWO, replace(ONE_TWO, weights=None, edge_weights=None)):
        one = case(source, settings, x)
        trained = spikes_in_training(one, monkeypatch)
        apart = total = 0
        differing: set[int] = set()  # samples: a spike that differs makes others differ later
        for record in in_float64(one).walk(x.double()):
            if isinstance(record, StageRecord) and record.train is not None:
                wrong = record.train.float() != trained[record.firing.carries]
                fresh = [i for i in wrong.flatten(2).any(2).any(0).nonzero().flatten().tolist() if i not in differing]
                differing.update(fresh)
                apart, total = apart + len(fresh), total + record.train.numel()
        assert total == 3 * 64 * (4 * 9 * 3)
        assert apart <= 1, f"{apart} of {total} spikes differ first"


# Against snnTorch ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leak", [1.0, 0.8])
def test_a_perceptron_is_that_of_snntorch_step_by_step_and_so_are_its_gradients(leak: float) -> None:
    """Delayed reset without a gradient, arctangent; on inputs without ties, at which snnTorch would not fire."""
    source, x = plain(12, 20, 16, 6)
    neurons = NeuronSettings(threshold=0.5, leak=leak, reset="delayed", surrogate=Arctangent(), detach_reset=True)
    settings = SpikingSettings(timesteps=8, neurons=neurons, readout="spikes", biases=False)
    network = TrainingNetwork(source, settings).double()
    layers = [source.arrays[f"{index}.weight"].double().clone().requires_grad_() for index in (0, 2, 4)]
    theirs = [snntorch.Leaky(beta=leak, threshold=0.5, reset_mechanism="subtract").double() for _ in layers]
    for neuron in theirs:
        neuron.beta.fill_(leak)
    membranes = [torch.zeros(8, len(weight), dtype=torch.float64) for weight in layers]
    x, expected, spikes = x.double() * 1.5, [], []
    for _ in range(8):
        value = x
        for index, (weight, neuron) in enumerate(zip(layers, theirs, strict=True)):
            value, membranes[index] = neuron(value @ weight.T, membranes[index])
            value = value.double()  # snnTorch's spikes are float32
            spikes.append(value.detach())
        expected.append(value)
    output = network(x)
    assert torch.equal(output, torch.stack(expected))
    assert all(0.02 < float(value.mean()) < 0.98 for value in spikes[-3:])
    frozen = build(network.freeze(), dtype=torch.float64)
    trains = [record.train for record in frozen.walk(x) if isinstance(record, StageRecord)]
    for index, train in enumerate(trains):
        assert torch.equal(train, torch.stack(spikes[index::3]))
    pull = torch.randn(8, 8, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    (output * pull).sum().backward()
    (torch.stack(expected) * pull).sum().backward()
    for index, weight in zip((0, 2, 4), layers, strict=True):
        found = network.latent.arrays[f"{index}.weight"].grad
        assert weight.grad is not None and float(weight.grad.abs().max()) > 1e-3
        torch.testing.assert_close(found, weight.grad, rtol=1e-4, atol=1e-6)  # float32 within


# Batches ------------------------------------------------------------------------------------------------------


# Spikes, and inputs on a grid of quarters, times stored weights: every sum is of whole numbers (in quarters), far below
# 2^24, so that no order of adding them up can matter, whatever a processor makes of a batch's size.
EXACT = [
    ONE_TWO,
    replace(ONE_TWO, encoding="rate"),
    replace(ONE_TWO, encoding="frames", weights=Uniform(bits=5)),
    replace(ONE_TWO, neurons=replace(ONE_TWO.neurons, membrane_bits=None, reset="soft", leak=0.9)),
]


def quarters(settings: SpikingSettings) -> Tensor:
    x = torch.randint(0, 5, (6, 2, 6, 6), generator=torch.Generator().manual_seed(1)).float() / 4
    if settings.encoding == "frames":
        return torch.stack([x.roll(step, 3) for step in range(settings.timesteps)], 1) * 4
    return x


def company(x: Tensor) -> list[tuple[Tensor, list[int]]]:
    """The samples in other batches, and which of them each begins with: in another order, alone, beside others."""
    order = [4, 0, 5, 2, 1, 3]
    alone = [(x[sample : sample + 1], [sample]) for sample in range(len(x))]
    return [(x[order], order), *alone, *((torch.cat([one, torch.ones_like(x[:2])]), which) for one, which in alone)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("settings", EXACT)
def test_where_sums_are_of_whole_numbers_nothing_depends_on_the_batch(settings, dtype) -> None:
    source, _ = small()
    x = quarters(settings)
    one = case(source, settings, x)
    frozen = build(one.network.freeze(), dtype=dtype)
    for engine in (frozen.walk, frozen.collapse):
        whole = list(engine(x.to(dtype)))
        assert len(whole[-1].codes.unique(dim=0)) > 1
        for batch, samples in company(x):
            for record, expected in zip(engine(batch.to(dtype)), whole, strict=True):
                assert torch.equal(record.codes[: len(samples)], expected.codes[samples])
                if isinstance(record, StageRecord) and record.train is not None:
                    assert torch.equal(record.train[:, : len(samples)], expected.train[:, samples])


@pytest.mark.parametrize("settings", EXACT)
def test_where_sums_are_of_whole_numbers_nothing_depends_on_their_order(settings, monkeypatch) -> None:
    """Another processor adds in another order: here channel by channel, the last one first."""
    source, _ = small()
    x = quarters(settings)
    frozen = build(case(source, settings, x).network.freeze())
    products = 0
    for kind in (Conv, Linear):

        def compared(op, inputs, weight, plain=kind.__call__):
            nonlocal products
            products += 1
            made = plain(op, inputs, weight)
            channels = reversed(range(weight.shape[1]))
            assert torch.equal(made, sum(plain(op, [inputs[0][:, i : i + 1]], weight[:, i : i + 1]) for i in channels))
            return made

        monkeypatch.setattr(kind, "__call__", compared)
    list(frozen.walk(x))
    assert products == 4


def furthest(one: Case) -> float:
    """How far apart two orders of adding up real numbers can bring a membrane in float64.

    A sum of n products is off by (n + 1)·u·Σ|w||x| at most, u = 2^-53, and so is what each further operation makes of
    it, with 1 for n. Spikes, their sums of two, and inputs are at most 2; errors of T steps add up.
    """
    timesteps, terms, most, means, gains, shifts = one.network.settings.timesteps, 0, 0.0, 0.0, 1.0, 0.0
    for node in one.source.nodes:
        roles = {role: one.source.arrays[name].double() for role, name in node.arrays}
        if isinstance(node.op, Conv | Linear):
            weight = roles["weight"]
            if node.name in one.network.formats:
                weight = one.network.formats[node.name].quantise(weight)
            terms = max(terms, weight[0].numel())
            most = max(most, 2 * float(weight.abs().flatten(1).sum(1).max()))
            most += float(roles["bias"].abs().max()) if "bias" in roles else 0.0
        elif isinstance(node.op, BatchNorm):
            means = max(means, float(roles["mean"].abs().max()))
            gains = max(gains, float((roles["weight"] / (roles["variance"] + node.op.epsilon).sqrt()).abs().max()))
            shifts = max(shifts, float(roles["bias"].abs().max()))
    largest = (most + means) * gains + shifts
    return 2 * timesteps * (terms + 8 + 8 * timesteps) * 2.0**-53 * largest


@pytest.mark.parametrize("encoding", ["direct", "rate"])
def test_where_real_numbers_are_summed_a_batch_changes_no_more_than_their_rounding(encoding, monkeypatch) -> None:
    """Inputs of 24 bits in the frozen network, weights with their scales in the training graph.

    No membrane is so near its threshold, or a place where it is rounded, that rounding could bring it to the other
    side; so all spikes are equal, and what the read-out adds up is within the bound.
    """
    source, x = small()
    one = case(source, replace(ONE_TWO, encoding=encoding), x)
    apart = furthest(one)
    assert 2 * apart < one.reported.closest, "twice: the loop rounds as well"
    frozen = in_float64(one)
    training = replace(one, network=one.network.double())

    def reported(batch: Tensor) -> tuple[dict[str, Tensor], list[Tensor]]:
        """Spikes [T, N, *] by where they are fired, and what is read out, [N, K]."""
        records = list(frozen.walk(batch.double()))
        trains = {record.node.name: record.train for record in records if isinstance(record, StageRecord)}
        alone = replace(training, x=batch.double())
        with torch.no_grad():
            read = [records[-1].codes, training.network(batch.double()).sum(0)]
        return {
            **trains,
            **{f"{name} in training": s for name, s in spikes_in_training(alone, monkeypatch).items()},
        }, read

    spikes, outputs = reported(x)
    assert len(spikes) == 6
    for batch, samples in company(x):
        found, read = reported(batch)
        assert all(torch.equal(found[name][:, : len(samples)], spikes[name][:, samples]) for name in spikes)
        for scores, expected in zip(read, outputs, strict=True):
            assert float((scores[: len(samples)] - expected[samples]).abs().max()) <= apart


def test_in_training_a_key_draws_and_in_evaluation_the_sample_itself() -> None:
    source, x = small()
    network = case(source, replace(ONE_TWO, encoding="rate"), x).network
    with torch.no_grad():
        assert torch.equal(network(x, key=(3,)), network(x, key=(3,)))
        assert not torch.equal(network(x, key=(3,)), network(x, key=(4,)))
        assert torch.equal(network(x), network(x))


# Membranes ----------------------------------------------------------------------------------------------------


def test_the_scale_of_membranes_follows_batches_in_training_and_stays_after_it() -> None:
    """The first batch sets it, each later one moves it by a tenth; worked out from a network that stores nothing."""
    source, x = plain(12, 20, 6)
    settings = SpikingSettings(timesteps=3, neurons=NeuronSettings(threshold=0.8, leak=0.5, membrane_bits=4))
    network = TrainingNetwork(source, settings).train()
    weight = source.arrays["0.weight"].double().numpy()
    expected = 0.0
    for strength in (1.0, 3.0, 0.5):
        batch = x * strength
        with torch.no_grad():
            network(batch)
        peak, q = 0.0, np.zeros((8, 20))
        for _ in range(3):
            m = 0.5 * q + batch.double().numpy() @ weight.T
            m -= 0.8 * (m >= 0.8)
            peak = max(peak, np.abs(m).max() / 0.8)
            q = m if expected == 0 else expected * 0.8 / 7 * np.floor(7 * np.clip(m / (expected * 0.8), -1, 1) + 0.5)
        expected = peak if expected == 0 else expected + 0.1 * (peak - expected)
        assert network.membrane_scales.tolist() == pytest.approx([expected], rel=1e-5)
    network.eval()
    with torch.no_grad():
        network(x * 100)
    assert network.membrane_scales.tolist() == pytest.approx([expected], rel=1e-5)
    law = network.freeze().plan.stages[0].firing.law
    assert law.membrane.scale == float(network.membrane_scales[0])  # pyright: ignore


def test_a_silent_layer_gives_no_nan_and_trains_on() -> None:
    source, x = small()
    settings = replace(ONE_TWO, neurons=replace(ONE_TWO.neurons, surrogate=Arctangent()))
    arrays = {name: torch.zeros_like(a) if "norm1" in name else a for name, a in source.arrays.items()}
    arrays["norm1.running_var"] = torch.ones(4)
    dead = replace(source, arrays={name: arrays[name] for name in source.arrays})
    network = TrainingNetwork(dead, settings).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.5)
    silent = network.stages[1]
    for step in range(4):
        found = network.run(x, regulated=True)
        if step == 0:
            assert float(found.rates[1].detach()) == 0.0 and silent == network.stages[1]
            assert float(network.membrane_scales[1]) == pytest.approx(LEAST_SCALE)
        loss = F.cross_entropy(found.output.mean(0), torch.arange(6) % 5) + (found.rates - 0.5).square().sum()
        optimiser.zero_grad()
        loss.backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None and bool(parameter.grad.isfinite().all()), name
        optimiser.step()
    assert float(found.rates[1].detach()) > 0.0, "it has learned to fire"
    frozen = build(network.eval().freeze())
    assert bool(frozen(x).isfinite().all())


def test_a_layer_without_any_current_is_frozen_as_it_is() -> None:
    source, x = plain(12, 20, 6)
    silent = replace(source, arrays={name: torch.zeros_like(array) for name, array in source.arrays.items()})
    for weights in (None, Binary(), Uniform(bits=4)):
        settings = replace(ONE_TWO, weights=weights, edge_weights=weights)
        one = case(silent, settings, x)
        assert one.network.membrane_scales.tolist() == pytest.approx([LEAST_SCALE])
        assert require_equal(one).output.tolist() == np.zeros((3, 8, 6)).tolist()


def test_membranes_without_a_scale_are_not_frozen() -> None:
    source, _ = small()
    with pytest.raises(BadModel, match="run a batch in training mode before freezing"):
        TrainingNetwork(source, ONE_TWO).freeze()


# Parameters ---------------------------------------------------------------------------------------------------


def test_learned_leaks_start_where_they_should_and_learn() -> None:
    source, x = small()
    neurons = NeuronSettings(leak=0.7, learn_leak=True, surrogate=Arctangent())
    network = TrainingNetwork(source, SpikingSettings(timesteps=3, neurons=neurons)).train()
    fixed = TrainingNetwork(source, SpikingSettings(timesteps=3, neurons=replace(neurons, learn_leak=False))).train()
    assert torch.sigmoid(network.raw_leaks).tolist() == pytest.approx([0.7] * 3)  # pyright: ignore
    torch.testing.assert_close(network(x), fixed(x), rtol=1e-4, atol=1e-4)
    assert fixed.raw_leaks is None
    network(x).square().sum().backward()
    assert network.raw_leaks is not None and network.raw_leaks.grad is not None
    assert bool((network.raw_leaks.grad != 0).all())
    with torch.no_grad():
        network.raw_leaks.copy_(torch.tensor([-2.0, 0.0, 40.0]))
    laws = [stage.firing.law for stage in network.freeze().plan.stages]
    assert [law.leak for law in laws] == pytest.approx([1 / (1 + np.exp(2.0)), 0.5, 1.0])  # pyright: ignore


def test_gradients_reach_every_parameter_and_the_source_is_left_alone() -> None:
    source, x = small()
    before = {name: array.clone() for name, array in source.arrays.items()}
    for estimator in ("clipped", "annealed"):
        settings = replace(ONE_TWO, weights=Binary(estimator=estimator))
        network = case(source, settings, x).network
        found = {}
        for progress in (0.0, 1.0):
            network.zero_grad()
            network.run(x, progress=progress).output.square().sum().backward()
            grads = {name: p.grad for name, p in network.named_parameters()}
            assert all(grad is not None and bool((grad != 0).any()) for grad in grads.values())
            found[progress] = grads["latent.array:first/weight"]
        same = torch.equal(found[0.0], found[1.0])
        assert same == (estimator == "clipped"), "the estimator changes over the training, where it is to"
    assert all(torch.equal(array, before[name]) for name, array in source.arrays.items())


def test_rates_pass_gradients_only_where_they_are_regulated() -> None:
    source, x = small()
    network = TrainingNetwork(source, ONE_TWO).train()
    assert not network.run(x).rates.requires_grad
    network.run(x, regulated=True).rates[1:].sum().backward()
    grads = [p.grad for name, p in network.named_parameters() if "first" in name and "weight" in name]
    assert grads[0] is not None and bool((grads[0] != 0).any())


def test_a_transposed_convolution_has_one_scale_for_each_channel_that_it_makes() -> None:
    def make() -> nn.Module:
        up = nn.ConvTranspose1d(4, 4, 3, groups=2)  # as many channels out as in: nothing else would notice
        return nn.Sequential(nn.Conv1d(2, 4, 1), nn.ReLU(), up, nn.ReLU(), nn.Flatten(), nn.Linear(28, 3))

    model, x = zoo.prepare(make, (2, 5))
    network = TrainingNetwork(capture(model, x), SpikingSettings(weights=Binary())).eval()
    blueprint = network.freeze()
    weight = model[2].weight.detach().double()  # [in, out a group, kernel]
    standard = (weight - weight.mean()) / weight.std(correction=0)
    scales = [standard[2 * group : 2 * group + 2, made].abs().mean() for group in range(2) for made in range(2)]
    node = next(node for node in blueprint.plan.nodes if node.weights is not None)
    assert torch.allclose(blueprint.arrays[f"{node.name}.gain"].flatten().double(), torch.stack(scales), rtol=1e-5)
    assert torch.equal(blueprint.arrays[f"{node.name}.weight"].double(), torch.where(standard >= 0, 1.0, -1.0).double())


def test_weights_that_are_not_finite_are_refused() -> None:
    source, x = small()
    network = case(source, ONE_TWO, x).network
    with torch.no_grad():
        network.latent.arrays["first.weight"][0] = float("nan")
    for call in (lambda: network(x), network.freeze):
        with pytest.raises(BadModel, match="not finite") as caught:
            call()
        assert "\n" not in str(caught.value)
