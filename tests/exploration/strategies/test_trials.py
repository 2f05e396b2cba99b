"""Trials and points: every trial is a point of the space, and every point of a grid is one trial's."""

from dataclasses import dataclass, field
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewright.errors import BadSetting
from spikewright.exploration.request.points import Converted, Point, Trained
from spikewright.exploration.request.space import ConvertedSpace, Space, Span, TrainedSpace
from spikewright.exploration.strategies.trials import parameters, require_possible, suggest

GRIDS = [
    TrainedSpace(timesteps=(2, 4), thresholds=(0.5, 1.5), bits=(4, 8), neurons=("if", "lif"), leaks=(0.5, 0.9)),
    ConvertedSpace(methods=("qac", "qcfs"), timesteps=(2, 4), bits=(4, 8)),
    ConvertedSpace(methods=("exact", "qac"), timesteps=(2, 40), mean_timesteps=(2.5, 3.0)),
]


def possible(space: Space) -> list[Point]:
    return [
        point
        for point in space.points()
        if not (isinstance(point, Converted) and point.method == "exact" and (point.timesteps or 0) > 16)
    ]


@dataclass
class Drawn:
    """A trial that takes the choices that it is given."""

    choices: dict[str, Any]
    asked: dict[str, Any] = field(default_factory=dict)

    def suggest_categorical(self, name: str, choices: Any, /) -> Any:
        self.asked[name] = tuple(choices)
        return self.choices[name]

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        self.asked[name] = (low, high, log)
        return self.choices[name]

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        self.asked[name] = (low, high, log)
        return self.choices[name]


@pytest.mark.parametrize("space", GRIDS)
def test_parameters_are_those_of_the_trial_that_tries_a_point(space: Space) -> None:
    for point in possible(space):
        drawn = Drawn(parameters(space, point))
        assert suggest(space, drawn) == point
        assert set(drawn.asked) == set(drawn.choices)
        assert all(drawn.choices[name] in choices for name, choices in drawn.asked.items())


@pytest.mark.parametrize("space", GRIDS)
def test_optuna_reaches_every_point_and_no_other(space: Space) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    names = {suggest(space, study.ask()).name for _ in range(300)}
    assert names == {point.name for point in possible(space)}


def test_a_leak_is_asked_for_where_there_is_one() -> None:
    space = GRIDS[0]
    without = Drawn({"neuron": "if", "timesteps": 2, "threshold": 0.5, "bits": 4})
    assert suggest(space, without) == Trained(timesteps=2, threshold=0.5, bits=4)
    assert "leak" not in without.asked


@given(threshold=st.floats(0.3, 2.0), steps=st.integers(2, 9), leak=st.floats(0.1, 0.9))
def test_ranges_are_asked_for_as_ranges(threshold: float, steps: int, leak: float) -> None:
    space = TrainedSpace(
        timesteps=Span(low=2, high=9), thresholds=Span(low=0.3, high=2.0, log=True), neurons=("lif",),
        leaks=Span(low=0.1, high=0.9),
    )  # fmt: skip
    drawn = Drawn({"neuron": "lif", "timesteps": steps, "threshold": threshold, "leak": leak, "bits": 8})
    point = suggest(space, drawn)
    assert isinstance(point, Trained)
    assert point.timesteps == steps
    assert point.threshold == pytest.approx(threshold, rel=5e-4)
    assert point.leak == pytest.approx(leak, rel=5e-4)
    assert len(point.name) <= len("t9_th0.1234_lif0.1234_b8")
    assert drawn.asked["threshold"] == (0.3, 2.0, True)
    assert drawn.asked["timesteps"] == (2, 9, False)


def test_exact_is_asked_for_no_more_than_it_can_run() -> None:
    space = ConvertedSpace(methods=("exact", "qcfs"), timesteps=Span(low=2, high=40))
    exact, other = (Drawn({"method": m, "timesteps": 4, "timesteps of exact": 4, "bits": 8}) for m in space.methods)
    assert suggest(space, exact).name == "exact_t4_b8"
    assert suggest(space, other).name == "qcfs_t4_b8"
    assert exact.asked["timesteps of exact"] == (2, 16, False)
    assert other.asked["timesteps"] == (2, 40, False)
    require_possible(space)
    require_possible(GRIDS[0])
    for timesteps in ((20, 30), Span(low=16, high=40)):
        with pytest.raises(BadSetting, match="exact takes at most 16 timesteps: give fewer, or leave it out"):
            require_possible(ConvertedSpace(methods=("qcfs", "exact"), timesteps=timesteps))
