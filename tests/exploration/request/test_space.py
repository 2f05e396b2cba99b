"""Grids against nested loops; widening against what it promises; refusals."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewright.errors import BadSetting
from spikewright.exploration.request.points import Converted, Trained
from spikewright.exploration.request.space import (
    ConvertedSpace,
    Span,
    TrainedSpace,
    combinations,
    continued,
    ends,
    finite,
    written_out,
)


def test_a_grid_of_trainings_is_all_combinations() -> None:
    space = TrainedSpace(
        timesteps=(10, 30), thresholds=(0.5, 1.5), bits=(4, 8), neurons=("if", "lif"), leaks=(0.5, 0.9)
    )
    wanted = []
    for steps in (10, 30):
        for threshold in (0.5, 1.5):
            for neuron, leak in (("if", None), ("lif", 0.5), ("lif", 0.9)):
                for bits in (4, 8):
                    wanted.append(Trained(timesteps=steps, threshold=threshold, bits=bits, neuron=neuron, leak=leak))
    assert space.points() == wanted
    assert len({point.name for point in space.points()}) == 24


def test_a_grid_of_conversions_has_timesteps_and_means() -> None:
    space = ConvertedSpace(methods=("exact", "qac"), timesteps=(2, 4), mean_timesteps=(2.5,), bits=(8,))
    wanted = []
    for method in ("exact", "qac"):
        wanted += [Converted(method=method, timesteps=steps, bits=8) for steps in (2, 4)]
        wanted += [Converted(method=method, mean_timesteps=2.5, bits=8)]
    assert space.points() == wanted


def test_a_span_has_no_grid_but_two_ends() -> None:
    space = TrainedSpace(timesteps=Span(low=2, high=9), thresholds=Span(low=0.5, high=2, log=True))
    assert not finite(space)
    with pytest.raises(BadSetting, match=r"\[space\] timesteps is a range, which has no grid: give a list, or add"):
        space.points()
    assert ends(space) == TrainedSpace(timesteps=(2, 9), thresholds=(0.5, 2))
    assert finite(ends(space))
    assert [(point.timesteps, point.threshold) for point in ends(space).points() if isinstance(point, Trained)] == [
        (2, 0.5),
        (2, 2.0),
        (9, 0.5),
        (9, 2.0),
    ]


def test_a_range_of_timesteps_is_a_list_of_whole_numbers_and_one_of_reals_has_no_end() -> None:
    space = ConvertedSpace(methods=("snm", "srp"), timesteps=Span(low=2, high=9), bits=(4, 8))
    assert written_out(space) == replace(space, timesteps=(2, 3, 4, 5, 6, 7, 8, 9))
    assert combinations(space) == len(written_out(space).points()) == 32
    means = ConvertedSpace(methods=("exact",), timesteps=(1, 2), mean_timesteps=(1.5,))
    assert written_out(means) == means
    trained = TrainedSpace(timesteps=Span(low=1, high=3), thresholds=(1, 2), neurons=("if", "lif"), leaks=(0.5, 0.9))
    assert len(written_out(trained).points()) <= (combinations(trained) or 0)
    assert combinations(replace(trained, thresholds=Span(low=1, high=2))) is None


@pytest.mark.parametrize(
    ("values", "whole", "least", "most", "wide"),
    [
        ((10, 30), True, 1, 200, (3, 10, 30, 90)),
        ((10, 30), True, 1, 64, (3, 10, 30, 64)),
        ((1, 2), True, 1, 64, (1, 2, 4)),
        ((4,), True, 1, 64, (2, 4, 8)),
        ((3, 4), True, 1, 64, (2, 3, 4, 5)),
        ((64, 1), True, 1, 64, (1, 64)),
        ((0.5, 1.5), False, 0, 1e9, (0.5 / 3, 0.5, 1.5, 4.5)),
        ((1.0,), False, 0, 1e9, (0.5, 1.0, 2.0)),
    ],
)
def test_a_list_goes_on_at_its_own_pace(
    values: tuple[float, ...], whole: bool, least: float, most: float, wide: tuple[float, ...]
) -> None:
    assert continued(values, whole=whole, least=least, most=most) == pytest.approx(wide, rel=1e-5)


@given(
    values=st.lists(st.integers(1, 50), min_size=1, max_size=5, unique=True),
    rounds=st.integers(1, 5),
    most=st.integers(50, 90),
)
def test_widening_only_adds_until_there_is_no_room(values: list[int], rounds: int, most: int) -> None:
    space = TrainedSpace(timesteps=tuple(values), thresholds=(1.0,))
    for _ in range(rounds):
        wider = space.wider(("timesteps",), most_timesteps=most)
        before, after = set(space.timesteps), set(wider.timesteps)  # pyright: ignore[reportArgumentType]
        assert before <= after
        assert wider.thresholds == space.thresholds
        assert all(isinstance(steps, int) and 1 <= steps <= most for steps in after)
        assert len(after) - len(before) == (min(before) > 1) + (max(before) < most)
        space = wider


def test_what_does_not_widen_stays() -> None:
    space = TrainedSpace(timesteps=Span(low=1, high=4), thresholds=(0.5, 1.0))
    wider = space.wider(space.WIDENS, most_timesteps=64)
    assert wider.timesteps == space.timesteps
    assert wider.thresholds == (0.25, 0.5, 1.0, 2.0)
    converted = ConvertedSpace(methods=("qac",), mean_timesteps=(2.0, 3.0))
    assert converted.wider(converted.WIDENS, most_timesteps=64).mean_timesteps == (1.33333, 2.0, 3.0, 4.5)


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"timesteps": ()}, r"\[space\] timesteps is empty: give at least one value"),
        ({"thresholds": ()}, r"\[space\] thresholds is empty"),
        ({"neurons": ()}, r"\[space\] neurons is empty"),
        ({"timesteps": (0,)}, r"timesteps has 0: it must be 1 to 65536"),
        ({"timesteps": (4, 4)}, r"timesteps has 4 twice"),
        ({"thresholds": (0.0,)}, r"thresholds has 0: it must be above 0"),
        ({"thresholds": (float("nan"),)}, r"thresholds has nan: it must be above 0"),
        ({"bits": (1,)}, r"bits has 1: it must be 2 to 16"),
        ({"leaks": (1.0,)}, r"leaks has 1: it must be between 0 and 1"),
        ({"neurons": ("ifl",)}, r"there is no neuron 'ifl': choose among if, lif"),
        ({"timesteps": Span(low=1.5, high=4)}, r"timesteps runs from 1.5 to 4: give whole numbers"),
        ({"timesteps": Span(low=0, high=4)}, r"timesteps has 0"),
    ],
)
def test_trainings_that_cannot_be_are_refused(given_: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        TrainedSpace(**{"timesteps": (4,), "thresholds": (1.0,), **given_})


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"methods": ()}, r"\[space\] methods is empty"),
        ({"timesteps": ()}, r"\[space\] timesteps is empty: give numbers of timesteps, or mean_timesteps"),
        ({"mean_timesteps": (0.5,)}, r"mean_timesteps has 0.5"),
        ({"timesteps": Span(low=1, high=4), "mean_timesteps": (2.5,)}, r"give one of the two, or two lists"),
    ],
)
def test_conversions_that_cannot_be_are_refused(given_: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        ConvertedSpace(**{"methods": ("exact",), "timesteps": (4,), **given_})


@pytest.mark.parametrize(("low", "high", "log"), [(2, 2, False), (3, 1, False), (0, 1, True), (0, float("inf"), False)])
def test_ranges_that_cannot_be_are_refused(low: float, high: float, log: bool) -> None:
    with pytest.raises(BadSetting, match="range"):
        Span(low=low, high=high, log=log)
