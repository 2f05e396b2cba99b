"""The front against its definition, and its confirmation with maps that chose nothing."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from exploration.candidates.test_candidate import POINT, candidate
from exploration.fakes import FakeBench, golden_of, settings
from spikewright.exploration.candidates.candidate import Candidate
from spikewright.exploration.request.settings import SampleSettings
from spikewright.exploration.request.space import TrainedSpace
from spikewright.exploration.strategies.front import PURPOSE, confirmed, front
from spikewright.exploration.workspace import fresh_seed
from spikewright.measure.statistics.decisions import Verdict

GOOD, BAD = candidate(shift=0.05), candidate(shift=-0.05)


def one(index: int, accuracy: int, joules: int, latency: int, *, passes: bool) -> Candidate:
    found = replace(golden_of(POINT), accuracy=accuracy / 100, energy_joules=float(joules), latency_steps=latency)
    return replace(GOOD, point=replace(POINT, timesteps=index + 1), golden=found, shown=(GOOD if passes else BAD).shown)


FIGURE = st.integers(0, 3)


@given(figures=st.lists(st.tuples(FIGURE, FIGURE, FIGURE, st.booleans()), max_size=8))
def test_on_the_front_are_those_that_pass_and_are_not_beaten(figures: list[tuple[int, int, int, bool]]) -> None:
    stored = [one(index, *each[:3], passes=each[3]) for index, each in enumerate(figures)]
    wanted = []
    for mine, (accuracy, joules, latency, passes) in zip(stored, figures, strict=True):
        beaten = False
        for other in figures:
            as_good = other[0] >= accuracy and other[1] <= joules and other[2] <= latency
            better = other[0] > accuracy or other[1] < joules or other[2] < latency
            beaten = beaten or (other[3] and as_good and better)
        if passes and not beaten:
            wanted.append(mine)
    assert front(stored, ("accuracy", "energy", "latency")) == wanted


def test_one_objective_leaves_the_best() -> None:
    stored = [one(0, 3, 2, 1, passes=True), one(1, 2, 1, 1, passes=True), one(2, 1, 0, 1, passes=False)]
    assert front(stored, ("accuracy",)) == [stored[0]]
    assert front(stored, ("energy",)) == [stored[1]]
    assert front([], ("energy",)) == []


def test_a_front_is_measured_again_with_other_maps_all_of_it_together(tmp_path: Path) -> None:
    space = TrainedSpace(timesteps=(2, 4), thresholds=(1.0, 2.0))
    bench = FakeBench(settings(tmp_path, space=space, optuna=SampleSettings()), tmp_path / "log")
    chosen = [bench.candidate(point) for point in space.points()]
    again = confirmed(bench, chosen)  # pyright: ignore[reportArgumentType]
    seed = fresh_seed(bench.settings.fault_seed, PURPOSE)
    faulty = [line.split()[1:] for line in (tmp_path / "log").read_text().splitlines() if line.startswith("struck")]
    assert {tuple(each) for each in faulty} == {(each.name, str(seed)) for each in chosen}
    assert seed != bench.settings.fault_seed
    assert [each.name for each in again] == [each.name for each in chosen]
    assert all(each.shown is not None for each in again)
    assert [each.golden for each in again] == [each.golden for each in chosen]
    # Holm's correction is over the front: alone, a candidate's p-value is smaller
    alone = confirmed(bench, chosen[2:3])[0]  # pyright: ignore[reportArgumentType]
    assert alone.shown is not None and again[2].shown is not None
    assert alone.shown.p_value <= again[2].shown.p_value
    assert confirmed(bench, []) == []  # pyright: ignore[reportArgumentType]


def test_what_luck_chose_falls() -> None:
    """A candidate less reliable than the margin allows, which one search has passed all the same."""
    space = TrainedSpace(timesteps=(4,), thresholds=(1.0,))
    bench = FakeBench(settings(Path("nowhere"), space=space, optuna=SampleSettings()))
    lucky = replace(bench.candidate(space.points()[0]), shown=GOOD.shown)
    again = confirmed(bench, [lucky])[0]  # pyright: ignore[reportArgumentType]
    assert lucky.passes and not again.passes
    assert again.shown is not None and again.shown.verdict is not Verdict.PASS
