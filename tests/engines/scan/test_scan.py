"""The scan of leaky neurons: its stepped form against one neuron at a time in NumPy and against snnTorch."""

import numpy as np
import pytest
import snntorch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from engines.scan.tangents import slow
from spikewright.engines.scan.scan import scan, stepped
from spikewright.errors import BadSetting
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons.leaky import Leaky, Reset
from spikewright.snn.surrogate import SHAPES, Arctangent, shape_named

RESETS: tuple[Reset, ...] = ("soft", "hard", "delayed")


@given(
    seed=st.integers(0, 2**32 - 1),
    timesteps=st.integers(1, 7),
    leak=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    reset=st.sampled_from(RESETS),
    bits=st.sampled_from([None, 2, 4]),
    name=st.sampled_from([*SHAPES]),
    width=st.sampled_from([0.25, 1.0, 3.0]),
    threshold=st.sampled_from([0.5, 1.0, 1.5]),
    detached=st.booleans(),
    constant=st.booleans(),
    learned=st.booleans(),
)
def test_stepped_like_numpy(
    seed: int,
    timesteps: int,
    leak: float,
    reset: Reset,
    bits: int | None,
    name: str,
    width: float,
    threshold: float,
    detached: bool,
    constant: bool,
    learned: bool,
) -> None:
    """In float64; derivatives by forward mode."""
    law = Leaky(leak=leak, reset=reset, membrane=None if bits is None else MembraneFormat(bits=bits, scale=1.3))
    random = np.random.default_rng(seed)
    currents = random.normal(0.3, 0.7, (1 if constant else timesteps, 5))
    outer = random.normal(size=(timesteps, 5))
    shape = shape_named(name, width)
    expected = slow(currents, outer, law, threshold=threshold, shape=shape, detached=detached)
    given_currents = torch.from_numpy(currents).requires_grad_()
    given_leak = torch.tensor(leak, dtype=torch.float64, requires_grad=True) if learned else None
    spikes, peak = stepped(
        given_currents,
        law=Leaky(leak=0.25, reset=reset, membrane=law.membrane) if learned else law,
        threshold=threshold,
        leak=given_leak,
        shape=shape,
        detach_reset=detached,
        timesteps=timesteps,
    )
    assert np.array_equal(spikes.detach().numpy(), expected.spikes)
    assert float(peak) == expected.peak / threshold
    wanted = [given_currents] if given_leak is None else [given_currents, given_leak]
    found = torch.autograd.grad(spikes, wanted, torch.from_numpy(outer), allow_unused=True)
    assert np.allclose(found[0].numpy(), expected.inner, rtol=1e-9, atol=1e-9)
    if learned:
        assert np.isclose(float(found[1]), expected.leak, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("leak", [0.8, 1.0])
def test_equals_snntorch_with_gradients(dtype: torch.dtype, leak: float) -> None:
    """A delayed soft reset without a gradient, arctangent, a learned leak; no ties, where snnTorch does not fire.

    float32 takes the fused form, float64 the stepped one.
    """
    timesteps, generator = 12, torch.Generator().manual_seed(0)
    currents = (torch.randn(timesteps, 20, 30, generator=generator) * 0.7 + 0.3).to(dtype)
    outer = torch.randn(timesteps, 20, 30, generator=generator).to(dtype)
    theirs = snntorch.Leaky(beta=leak, threshold=0.8, learn_beta=True).to(dtype)

    def reference(currents: Tensor) -> Tensor:
        membrane, train = torch.zeros(20, 30, dtype=dtype), []
        for current in currents:
            spikes, membrane = theirs(current, membrane)
            train.append(spikes)
        return torch.stack(train)

    mine, other = currents.clone().requires_grad_(), currents.clone().requires_grad_()
    beta = theirs.beta.detach().clone().requires_grad_()
    threshold = float(theirs.threshold)
    ours, _ = scan(
        mine, law=Leaky(reset="delayed"), threshold=threshold, shape=Arctangent(), leak=beta, detach_reset=True
    )
    expected = reference(other)
    assert torch.equal(ours, expected.to(dtype))
    assert 0.2 < float(ours.detach().mean()) < 0.8
    found = torch.autograd.grad(ours, [mine, beta], outer)
    wanted = torch.autograd.grad(expected, [other, theirs.beta], outer.to(expected.dtype))
    precision = 1e-6 if dtype == torch.float32 else 1e-12
    assert float((found[0] - wanted[0]).abs().max() / wanted[0].abs().max()) < precision
    terms = float(wanted[0].abs().sum())  # what the leak's gradient adds up, and may cancel
    assert abs(float(found[1] - wanted[1])) < precision * terms


def test_float32_on_the_cpu_is_one_operation_and_all_else_is_stepped() -> None:
    currents = torch.ones(3, 2, 4)

    def origin(currents: Tensor, law: Leaky) -> str:
        spikes, _ = scan(currents.requires_grad_(), law=law, threshold=1.0, shape=Arctangent())
        assert spikes.grad_fn is not None
        return spikes.grad_fn.name()

    squashed = MembraneFormat(bits=4, scale=1.0, squash=True)
    assert origin(currents, Leaky()) == "_FusedBackward"
    assert origin(currents, Leaky(membrane=squashed)) == "StackBackward0"
    assert origin(currents.double().detach(), Leaky()) == "StackBackward0"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_step_of_currents_serves_for_all(dtype: torch.dtype) -> None:
    current = torch.tensor([[[0.625, 1.0, -1.0]]], dtype=dtype)
    spikes, peak = scan(current, law=Leaky(), threshold=1.0, shape=Arctangent(), timesteps=5)
    assert spikes.shape == (5, 1, 3)
    assert spikes.dtype == dtype
    assert spikes.sum(0).tolist() == [[3, 5, 0]]
    assert float(peak) == 5
    alone, _ = scan(current, law=Leaky(), threshold=1.0, shape=Arctangent())
    assert torch.equal(alone, spikes[:1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_peak_is_in_thresholds_and_has_no_gradient(dtype: torch.dtype) -> None:
    currents = torch.tensor([[[3.0]], [[-8.0]]], dtype=dtype, requires_grad=True)
    spikes, peak = scan(currents, law=Leaky(reset="hard"), threshold=2.0, shape=Arctangent())
    assert spikes.flatten().tolist() == [1, 0]
    assert float(peak) == 4
    assert not peak.requires_grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_neurons_are_no_fault(dtype: torch.dtype) -> None:
    spikes, peak = scan(torch.zeros(3, 0, 4, dtype=dtype), law=Leaky(), threshold=1.0, shape=Arctangent())
    assert spikes.shape == (3, 0, 4)
    assert float(peak) == 0


def test_what_cannot_be_is_refused() -> None:
    currents = torch.zeros(3, 2, 4)
    for threshold in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(BadSetting, match=f"a threshold must be finite and above 0, got {threshold}"):
            scan(currents, law=Leaky(), threshold=threshold, shape=Arctangent())
    with pytest.raises(BadSetting, match=r"a learned leak is one number, 0-d, for all neurons of a layer, got \[4\]"):
        scan(currents, law=Leaky(), threshold=1.0, shape=Arctangent(), leak=torch.ones(4))
    with pytest.raises(BadSetting, match="currents of 3 steps cannot run for 5: give 1 or as many"):
        scan(currents, law=Leaky(), threshold=1.0, shape=Arctangent(), timesteps=5)
    with pytest.raises(BadSetting, match="currents of 1 steps cannot run for 0"):
        scan(currents[:1], law=Leaky(), threshold=1.0, shape=Arctangent(), timesteps=0)
