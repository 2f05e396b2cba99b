"""One step of packed neurons against the law in PyTorch, one operation after the other."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.packed.test_sums import words_of
from spikewright.engines.packed import neurons
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons.leaky import Leaky, Reset

RESETS: dict[Reset, int] = {"soft": neurons.SOFT, "hard": neurons.HARD, "delayed": neurons.DELAYED}
f = np.float32


@given(
    seed=st.integers(0, 2**32 - 1),
    channels=st.sampled_from([1, 7, 64, 65, 130]),
    leak=st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]),
    reset=st.sampled_from([*RESETS]),
    bits=st.sampled_from([None, 2, 3, 8, 12]),
    scale=st.sampled_from([0.7, 1.3, 6.0]),
    ties=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_steps_like_the_law_bit_for_bit(
    seed: int, channels: int, leak: float, reset: Reset, bits: int | None, scale: float, ties: bool
) -> None:
    timesteps, positions, first = 5, 6, 2
    random = np.random.default_rng(seed)
    law = Leaky(leak=leak, reset=reset, membrane=None if bits is None else MembraneFormat(bits=bits, scale=scale))
    currents = random.normal(0.2, 1.0, (timesteps, positions, channels)).astype(f)
    bias = random.normal(0, 0.3, channels).astype(f)
    if ties:
        currents, bias = np.round(currents * 4) / f(4), np.round(bias * 4) / f(4)
    one, stored = torch.ones(()), law.membrane
    neuron = neurons.Neuron(
        f(leak),
        f(1),
        RESETS[reset],
        f(0 if stored is None else stored.top(one).item()),
        f(0 if stored is None else stored.step(one).item()),
        f(0 if stored is None else stored.largest),
    )
    kind = f if bits is None else np.int8 if bits <= 8 else np.int16
    entry, count = np.zeros((positions, channels), kind), positions - first
    words = np.full((timesteps, positions, -(-channels // 64)), 5, np.uint64)
    fired = np.zeros((positions, 64 * words.shape[2]), np.uint8)
    state = law.init(torch.zeros(()), torch.from_numpy(currents[0, first:]))
    for t in range(timesteps):
        total = np.full((positions, channels), 9, f)
        total[:count] = currents[t, first:]
        neurons.fire(total, bias, neuron, entry, fired, words[t], first, count)
        state = law.integrate(state, torch.from_numpy(currents[t, first:]) + torch.from_numpy(bias))
        state, spikes = law.fire(state, one)
        for p in range(count):
            assert [int(word) for word in words[t, first + p]] == words_of(spikes[p].numpy())
        expected = state.potential.numpy() if stored is None else entry[:count].astype(f) * neuron.step
        assert np.array_equal(state.potential.numpy(), expected)
        if stored is not None:
            assert abs(entry.astype(int)).max() <= stored.largest
    assert (words[:, :first] == 5).all()


@pytest.mark.parametrize("factors", [0, 1, 2])
def test_terms_are_scaled_then_added_one_by_one(factors: int) -> None:
    """In float32 the order matters: each product and each sum is rounded as in NumPy."""
    random = np.random.default_rng(factors)
    gains = random.normal(size=(factors, 70)).astype(f)
    sums = random.integers(-4000, 4000, (9, 70)).astype(np.int32)
    flags = random.integers(0, 2, (9, 70)).astype(np.uint8)
    words = np.array([words_of(row) for row in flags], np.uint64)
    currents = random.normal(size=(3, 70, 3)).astype(f)
    total = np.full((9, 70), np.nan, f)
    neurons.put_sums(total, sums, f(0.25), gains, 9, False)
    neurons.put_spikes(total, words, gains, 0, 9, True)
    neurons.put_currents(total, currents, gains, 0, 9, True)
    expected = sums.astype(f) * f(0.25), flags.astype(f), currents.transpose(0, 2, 1).reshape(9, 70)
    for factor in gains:
        expected = tuple(term * factor for term in expected)
    assert np.array_equal(total, (expected[0] + expected[1]) + expected[2])
    back = np.full((3, 70, 3), np.nan, f)
    neurons.take_currents(back, total, 0, 9)
    assert np.array_equal(back.transpose(0, 2, 1).reshape(9, 70), total)


def test_terms_of_a_part_start_where_the_part_does() -> None:
    random = np.random.default_rng(0)
    none = np.empty((0, 70), f)
    flags = random.integers(0, 2, (9, 70)).astype(np.uint8)
    words = np.array([words_of(row) for row in flags], np.uint64)
    currents = random.normal(size=(3, 70, 3)).astype(f)
    total = np.zeros((4, 70), f)
    neurons.put_spikes(total, words, none, 4, 3, False)
    assert np.array_equal(total[:3], flags[4:7])
    neurons.put_currents(total, currents, none, 4, 3, False)
    assert np.array_equal(total[:3], currents.transpose(0, 2, 1).reshape(9, 70)[4:7])
    assert (total[3] == 0).all()
    back = np.zeros((3, 70, 3), f)
    neurons.take_currents(back, total, 4, 3)
    assert np.array_equal(back.transpose(0, 2, 1).reshape(9, 70)[4:7], total[:3])
    assert int((back != 0).sum()) == 3 * 70
