"""The leaky law against a loop over neurons in NumPy, and against snnTorch."""

import numpy as np
import pytest
import snntorch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spikewright.errors import BadSetting
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons.leaky import Leaky, LeakyMembrane, Reset

RESETS: tuple[Reset, ...] = ("soft", "hard", "delayed")


def stepped(law: Leaky, currents: Tensor, initial: float, threshold: float) -> tuple[Tensor, list[LeakyMembrane]]:
    like = torch.tensor(threshold, dtype=currents.dtype)
    state = law.init(torch.tensor(initial, dtype=currents.dtype), currents[0])
    train, states = [], []
    for current in currents:
        state, spikes = law.fire(law.integrate(state, current), like)
        train.append(spikes)
        states.append(state)
    return torch.stack(train), states


def slow(law: Leaky, currents: np.ndarray, initial: float, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Spikes and stored membranes, one neuron and one step at a time, every operation rounded to the dtype."""
    number = currents.dtype.type
    train, stored = np.zeros_like(currents), np.zeros_like(currents)
    theta, leak = number(threshold), number(law.leak)
    for neuron in range(currents.shape[1]):
        m, owed = number(initial), number(0)
        for t in range(len(currents)):
            m = number(number(leak * m) + currents[t, neuron])
            if law.reset == "delayed":
                m = number(m - owed)
            fired = m >= theta
            if fired and law.reset == "soft":
                m = number(m - theta)
            if fired and law.reset == "hard":
                m = number(0)
            owed = theta if fired else number(0)
            if law.membrane is not None:
                n = number(2 ** (law.membrane.bits - 1) - 1)
                a = number(number(law.membrane.scale) * theta)
                share = min(max(number(m / a), number(-1)), number(1))
                m = number(np.floor(number(number(share * n) + number(0.5))) * number(a / n))
            train[t, neuron], stored[t, neuron] = fired, m
    return train, stored


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(
    seed=st.integers(0, 2**32 - 1),
    timesteps=st.integers(1, 12),
    leak=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    reset=st.sampled_from(RESETS),
    bits=st.sampled_from([None, 2, 3, 8]),
    threshold=st.sampled_from([0.25, 1.0, 1.5]),
    initial=st.sampled_from([0.0, 0.3]),
    ties=st.booleans(),
)
def test_steps_like_numpy(
    dtype: type,
    seed: int,
    timesteps: int,
    leak: float,
    reset: Reset,
    bits: int | None,
    threshold: float,
    initial: float,
    ties: bool,
) -> None:
    membrane = None if bits is None else MembraneFormat(bits=bits, scale=1.3)
    law = Leaky(leak=leak, reset=reset, membrane=membrane)
    currents = np.random.default_rng(seed).normal(0.2, 0.7, (timesteps, 6)).astype(dtype)
    if ties:
        currents = np.round(currents * 4) / 4
    train, states = stepped(law, torch.from_numpy(currents), initial, threshold)
    expected_train, expected_stored = slow(law, currents, initial, threshold)
    assert train.numpy().dtype == dtype
    assert np.array_equal(train.numpy(), expected_train)
    assert np.array_equal(np.stack([state.potential.numpy() for state in states]), expected_stored)


def test_resets_by_hand() -> None:
    currents = torch.tensor([[2.5], [0.0], [0.0], [0.0]])
    fired = {
        reset: (train.flatten().tolist(), [float(state.potential) for state in states])
        for reset in RESETS
        for train, states in [stepped(Leaky(reset=reset), currents, 0.0, 1.0)]
    }
    assert fired["soft"] == ([1, 1, 0, 0], [1.5, 0.5, 0.5, 0.5])
    assert fired["hard"] == ([1, 0, 0, 0], [0, 0, 0, 0])
    assert fired["delayed"] == ([1, 1, 0, 0], [2.5, 1.5, 0.5, 0.5])


def test_firing_reads_full_precision_and_what_is_stored_is_what_the_reset_left() -> None:
    """2 bits at scale 1: 0.9 would be stored as 1 and 1.4 as 1; the first must not fire, the second leaves 0."""
    law = Leaky(leak=0.5, membrane=MembraneFormat(bits=2, scale=1.0))
    train, states = stepped(law, torch.tensor([[0.9, 1.4]]), 0.0, 1.0)
    assert train.tolist() == [[0, 1]]
    assert states[0].potential.tolist() == [1, 0]


def test_a_tie_fires() -> None:
    for reset in RESETS:
        train, _ = stepped(Leaky(reset=reset), torch.tensor([[1.0, 1 - 2**-24]]), 0.0, 1.0)
        assert train.tolist() == [[1, 0]]


def test_thresholds_and_potentials_may_be_maps() -> None:
    law = Leaky(leak=0.9, reset="delayed", membrane=MembraneFormat(bits=4, scale=2.0))
    currents = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0))
    thresholds, starts = torch.tensor([0.5, 1.0, 1.5, 2.0]), torch.tensor([0.0, 0.1, 0.2, 0.3])
    state = law.init(starts, currents[0])
    train = []
    for current in currents:
        state, spikes = law.fire(law.integrate(state, current), thresholds)
        train.append(spikes)
    for column in range(4):
        alone, _ = stepped(law, currents[..., column], float(starts[column]), float(thresholds[column]))
        assert torch.equal(torch.stack(train)[..., column], alone)


def test_arguments_are_not_changed_and_state_carries_over_a_cut_in_time() -> None:
    currents = torch.randn(6, 4, 3, generator=torch.Generator().manual_seed(0))
    saved = currents.clone()
    for reset in RESETS:
        law = Leaky(leak=0.8, reset=reset)
        whole, states = stepped(law, currents, 0.35, 0.7)
        cut = states[1]
        before = cut.potential.clone()
        late = []
        for current in currents[2:]:
            cut, spikes = law.fire(law.integrate(cut, current), torch.tensor(0.7))
            late.append(spikes)
        assert torch.equal(torch.stack(late), whole[2:])
        assert torch.equal(states[1].potential, before)
    assert torch.equal(currents, saved)


@pytest.mark.parametrize("leak", [0.0, 0.5, 0.9, 1.0])
def test_delayed_equals_snntorch(leak: float) -> None:
    """snnTorch fires above the threshold only; without ties that is the same."""
    currents = torch.randn(24, 50, 40, generator=torch.Generator().manual_seed(0)) * 0.7 + 0.2
    neuron = snntorch.Leaky(beta=leak, threshold=0.8, reset_mechanism="subtract", reset_delay=True)
    ours, states = stepped(Leaky(leak=leak, reset="delayed"), currents, 0.0, 0.8)
    membrane = torch.zeros(50, 40)
    for t, current in enumerate(currents):
        spikes, membrane = neuron(current, membrane)
        assert torch.equal(ours[t], spikes)
        assert torch.equal(states[t].potential, membrane)
    assert 0.1 < float(ours.mean()) < 0.9


@pytest.mark.parametrize("leak", [0.0, 0.5, 0.9, 1.0])
def test_hard_equals_snntorch(leak: float) -> None:
    currents = torch.randn(24, 50, 40, generator=torch.Generator().manual_seed(1)) * 0.7 + 0.2
    neuron = snntorch.Leaky(beta=leak, threshold=1.0, reset_mechanism="zero", reset_delay=False)
    ours, states = stepped(Leaky(leak=leak, reset="hard"), currents, 0.0, 1.0)
    membrane = torch.zeros(50, 40)
    for t, current in enumerate(currents):
        spikes, membrane = neuron(current, membrane)
        assert torch.equal(ours[t], spikes)
        assert torch.equal(states[t].potential, membrane)
    assert 0.1 < float(ours.mean()) < 0.9


@pytest.mark.parametrize("leak", [0.0, 0.5, 0.9, 1.0])
def test_soft_equals_snntorch(leak: float) -> None:
    """Currents below the threshold, so that a spike leaves every neuron below it: else snnTorch owes one reset more."""
    currents = torch.rand(24, 50, 40, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 1.6 - 0.6
    neuron = snntorch.Leaky(beta=leak, threshold=1.0, reset_mechanism="subtract", reset_delay=False).double()
    neuron.beta.fill_(leak)  # exactly, not what float32 makes of it
    ours, states = stepped(Leaky(leak=leak), currents, 0.0, 1.0)
    membrane = torch.zeros(50, 40, dtype=torch.float64)
    for t, current in enumerate(currents):
        spikes, membrane = neuron(current, membrane)
        assert torch.equal(ours[t], spikes.double())
        assert torch.equal(states[t].potential, membrane)
    assert leak == 0.0 or 0.05 < float(ours.mean()) < 0.9


def test_what_it_says_of_itself() -> None:
    assert not Leaky().conserves
    assert Leaky().rate_only


@pytest.mark.parametrize("leak", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_leak_outside_its_range_is_refused(leak: float) -> None:
    with pytest.raises(BadSetting, match=r"a leak is the share of a membrane left a step later, in \[0, 1\], got"):
        Leaky(leak=leak)


def test_an_unknown_reset_is_refused() -> None:
    with pytest.raises(BadSetting, match="no reset named 'zero': choose one of soft, hard, delayed"):
        Leaky(reset="zero")  # pyright: ignore[reportArgumentType]
