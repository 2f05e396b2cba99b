"""Which neurons are struck, against lists of all of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.faults.sites import STAGES, neurons_of
from reliability.faults.slow import SlowDraw
from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults._neurons import faulty_neurons, open_places, parts, require_rate_or_count
from spikewright.reliability.sites import Neurons, Sites


@st.composite
def stages(draw: st.DrawFn) -> Sites:
    found = []
    for index in range(draw(st.integers(0, 3))):
        shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
        channels = draw(st.none() | st.lists(st.integers(0, shape[0] - 1), unique=True).map(tuple))
        found.append(Neurons(name=f"s{index}", shape=shape, timesteps=3, channels=channels))
    return Sites(stages=tuple(found))


def listed(found: dict[str, np.ndarray]) -> list[tuple[str, int]]:
    return [(name, int(place)) for name, places in found.items() for place in places]


@given(stages())
def test_open_places_like_a_list(sites: Sites) -> None:
    found = {stage.name: open_places(stage) for stage in sites.stages}
    assert listed(found) == neurons_of(sites)


@given(stages(), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.integers(0, 2**40))
def test_struck_at_a_rate_like_a_list(sites: Sites, rate: float, number: int) -> None:
    every = neurons_of(sites)
    expected = [every[index] for index in SlowDraw(1, "model", number).hits(len(every), rate)]
    found = faulty_neurons("x", sites, Draw(1, "model", number), rate=rate)
    assert listed(dict(found)) == expected
    assert all(len(places) for places in found.values())


@given(stages(), st.data())
def test_a_fixed_number_of_them_like_a_list(sites: Sites, data: st.DataObject) -> None:
    every = neurons_of(sites)
    count = data.draw(st.integers(0, len(every)))
    expected = [every[index] for index in SlowDraw(1, "model", 4).distinct(len(every), count)]
    assert listed(dict(faulty_neurons("x", sites, Draw(1, "model", 4), count=count))) == expected


def test_more_than_there_are_is_refused() -> None:
    total = math.prod((2, 2, 4)) + 7
    assert sum(map(len, faulty_neurons("x", STAGES, Draw(0, "m", 0), count=total).values())) == total
    with pytest.raises(BadSetting, match=rf"^x: count is {total + 1}, but there are {total} neurons here$"):
        faulty_neurons("x", STAGES, Draw(0, "m", 0), count=total + 1)


@given(st.lists(st.integers(0, 5), max_size=5), st.integers(1, 4), st.data())
def test_parts_like_python(sizes: list[int], per: int, data: st.DataObject) -> None:
    names = {f"n{index}": np.zeros(size) for index, size in enumerate(sizes)}
    numbered = [(index, within) for index, size in enumerate(sizes) for within in range(per * size)]
    hit = sorted(data.draw(st.sets(st.integers(0, len(numbered) - 1)))) if numbered else []
    expected = [[numbered[k][1] for k in hit if numbered[k][0] == index] for index in range(len(sizes))]
    assert [each.tolist() for each in parts(np.array(hit, dtype=np.int64), names, per)] == expected


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ((None, None), "^x: give one of rate .* or count"),
        ((0.1, 3), "give one of rate"),
        ((1.1, None), "x: rate is 1.1"),
        ((None, 0), "count is 0: strike 1 neuron or more"),
    ],
)
def test_bad_settings_are_named(settings: tuple[float | None, int | None], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        require_rate_or_count("x", *settings)
    require_rate_or_count("x", 0.0, None)
    require_rate_or_count("x", None, 1)
