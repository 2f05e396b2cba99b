"""Timesteps of layers for a mean, against trying every way of giving one step more."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from spikewright.exploration.candidates.mixed import mixed_timesteps


@given(layers=st.integers(1, 5), mean=st.floats(1, 6), gains=st.lists(st.integers(0, 3), min_size=5, max_size=5))
def test_the_mean_is_met_and_what_gains_most_gets_more(layers: int, mean: float, gains: list[int]) -> None:
    asked: list[tuple[int, ...]] = []

    def worth(steps: tuple[int, ...]) -> tuple[float, ...]:
        asked.append(steps)
        return (sum(gain * (count - min(steps)) for gain, count in zip(gains, steps, strict=False)), 0.0)

    found = mixed_timesteps(layers, mean, worth)
    assert len(found) == layers
    assert max(found) - min(found) <= 1
    assert mean - 1 / layers < sum(found) / layers + 1e-9
    assert sum(found) / layers <= mean + 1e-9
    assert len(asked) <= layers
    # for gains that add up, no other choice of as many layers gains more
    more, base = sum(count > min(found) for count in found) % layers, min(found)
    totals = [sum(gains[layer] for layer in chosen) for chosen in itertools.combinations(range(layers), more)]
    assert sum(gains[layer] for layer in range(layers) if found[layer] > base) >= max(totals) if more else True


def test_whole_means_ask_for_nothing() -> None:
    def worth(steps: tuple[int, ...]) -> tuple[float, ...]:
        raise AssertionError(steps)

    assert mixed_timesteps(3, 4.0, worth) == (4, 4, 4)
    assert mixed_timesteps(10, 2.3, lambda steps: (steps.index(3),)) == (2,) * 7 + (3,) * 3


def test_of_equals_the_earlier_layer_gets_it() -> None:
    assert mixed_timesteps(3, 2.4, lambda _: (0.0,)) == (3, 2, 2)
    assert mixed_timesteps(3, 2.7, lambda _: (0.0,)) == (3, 3, 2)
