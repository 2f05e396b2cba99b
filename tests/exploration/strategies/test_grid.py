"""Algorithm 1 against its lines as the paper prints them; widening; what is kept on the way."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from exploration.fakes import ANN, SPACE, FakeBench, faulty_ann, golden_of, settings, struck_of
from spikewright.exploration.candidates.candidate import Candidate, cheapest
from spikewright.exploration.gates.cheap import Gate
from spikewright.exploration.gates.reliability import Differences
from spikewright.exploration.request.settings import GateSettings, WidenSettings
from spikewright.exploration.request.space import TrainedSpace
from spikewright.exploration.strategies.grid import gated, search_grid
from spikewright.measure.statistics.decisions import WAYS
from spikewright.measure.statistics.holm import holm

NOWHERE = Path("nowhere")


def as_printed(bench: FakeBench) -> set[str]:
    """Lines 10-30: accuracy, then reliability of all maps up to the cap, energy last."""
    gates, faults = bench.settings.gates, bench.settings.faults
    list1, list2 = [], []
    for point in bench.settings.space.points():
        found = golden_of(point)
        if found.dead_stages or found.accuracy < ANN.accuracy - gates.accuracy_margin / 100 - 1e-12:
            continue
        p_value = 0.0
        for ber in faults.ber:
            pair = struck_of(point, ber, faults.cap, 0), faulty_ann(ber, faults.cap, 0)
            apart = Differences(*pair, "ratio")
            margin = gates.reliability_margin / 100 * apart.unit
            p_value = max(p_value, WAYS[gates.way].p_value(apart.values, margin=margin, cap=faults.cap))
        list1.append((point, p_value))
    for point, p_value in list1:
        if golden_of(point).energy_joules < gates.energy_share * ANN.energy_joules:
            list2.append((point.name, p_value))
    adjusted = holm([p_value for _, p_value in list2]) if list2 else []
    return {name for (name, _), p_value in zip(list2, adjusted, strict=True) if p_value <= 1 - gates.level}


@given(
    timesteps=st.lists(st.integers(1, 24), min_size=1, max_size=3, unique=True),
    thresholds=st.lists(st.sampled_from([0.25, 0.5, 0.9, 1.0, 1.2, 2.0, 300.0]), min_size=1, max_size=3, unique=True),
    accuracy=st.sampled_from([0, 2, 5]),
    share=st.sampled_from([0.2, 0.5, 1.0]),
    margin=st.sampled_from([0, 0.5, 1, 3]),
    two=st.booleans(),
    way=st.sampled_from(["normal", "strict"]),
)
@hypothesis_settings(max_examples=40)
def test_cheap_gates_first_pass_the_same_set_as_the_papers_order(
    timesteps: list[int], thresholds: list[float], accuracy: float, share: float, margin: float, two: bool, way: str
) -> None:
    stored = settings(
        NOWHERE, space=TrainedSpace(timesteps=tuple(timesteps), thresholds=tuple(thresholds)),
        gates=GateSettings(
            accuracy_margin=accuracy, energy_share=share, reliability_margin=margin, way=way,  # pyright: ignore[reportArgumentType]
        ),
        ber=(0.01, 0.1) if two else (0.01,),
    )  # fmt: skip
    bench = FakeBench(stored)
    found = search_grid(bench, save=lambda _: None)  # pyright: ignore[reportArgumentType]
    assert [one.name for one in found] == [point.name for point in stored.space.points()]
    passing = {one.name for one in found if one.passes}
    assert passing == as_printed(bench)
    best = cheapest(found)
    assert (best is None) == (not passing)
    if best is not None:
        joules = [golden_of(one.point).energy_joules for one in found if one.name in passing]
        assert golden_of(best.point).energy_joules == min(joules)


def test_the_example_passes_some_and_stops_some_at_every_gate(tmp_path: Path) -> None:
    log = tmp_path / "log"
    bench = FakeBench(
        settings(tmp_path, gates=GateSettings(accuracy_margin=3, reliability_margin=1, energy_share=0.9)), log
    )
    found = search_grid(bench, save=lambda _: None)  # pyright: ignore[reportArgumentType]
    stops = [one.stopped_by for one in found]
    assert {*stops} == {None, Gate.ALIVE, Gate.ACCURACY, Gate.ENERGY, Gate.RELIABILITY}
    assert {one.name for one in found if one.passes} == as_printed(bench)
    lines = log.read_text().splitlines()
    # every candidate is made once, and none is struck that a cheap gate stops
    assert sorted(line for line in lines if line.startswith("made")) == sorted(f"made {one.name}" for one in found)
    faulty = {line.split()[1] for line in lines if line.startswith("struck")}
    assert faulty == {one.name for one in found if one.shown is not None}
    assert faulty == {one.name for one in found if one.stopped_by in (None, Gate.RELIABILITY)}


def test_what_is_known_is_kept_as_soon_as_it_is(tmp_path: Path) -> None:
    saved: list[list[str]] = []

    def save(found: Sequence[Candidate]) -> None:
        saved.append([one.verdict for one in found])

    space = TrainedSpace(timesteps=(2, 4), thresholds=(1.0, 500.0))
    search_grid(FakeBench(settings(tmp_path, space=space)), save=save)  # pyright: ignore[reportArgumentType]
    assert [len(each) for each in saved[:4]] == [1, 2, 3, 4]
    assert saved[3].count("open") >= 1
    assert "open" not in saved[-1]


def test_lists_are_widened_until_one_passes(tmp_path: Path) -> None:
    # of T = 1 nothing is accurate enough; 2 and 4 come with the first and second round
    space = TrainedSpace(timesteps=(1,), thresholds=(1.0,))
    gates = GateSettings(accuracy_margin=0, reliability_margin=3)
    alone = search_grid(FakeBench(settings(tmp_path, space=space, gates=gates)), save=lambda _: None)  # pyright: ignore[reportArgumentType]
    assert [one.passes for one in alone] == [False]
    log = tmp_path / "log"
    widen = WidenSettings(rounds=5, lists=("timesteps",), most_timesteps=64)
    bench = FakeBench(settings(tmp_path, space=space, gates=gates, widen=widen), log)
    counts: list[int] = []
    found = search_grid(bench, save=lambda each: counts.append(len(each)))  # pyright: ignore[reportArgumentType]
    assert [one.name for one in found] == ["t1_th1_if_b8", "t2_th1_if_b8", "t4_th1_if_b8"]
    assert [one.passes for one in found] == [False, False, True]
    assert counts == sorted(counts)  # what earlier rounds found stays
    made = [line for line in log.read_text().splitlines() if line.startswith("made")]
    assert len(made) == 3


def test_widening_ends_where_lists_cannot_grow(tmp_path: Path) -> None:
    space = TrainedSpace(timesteps=(1,), thresholds=(300.0,))
    widen = WidenSettings(rounds=9, lists=("timesteps",), most_timesteps=4)
    found = search_grid(FakeBench(settings(tmp_path, space=space, widen=widen)), save=lambda _: None)  # pyright: ignore[reportArgumentType]
    assert [one.point.settings["timesteps"] for one in found] == [1, 2, 4]
    assert {one.stopped_by for one in found} == {Gate.ALIVE}


def test_rounds_share_the_errors_that_are_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alphas: list[float] = []
    plan = FakeBench.plan

    def watched(self: FakeBench, alpha: float) -> object:
        alphas.append(alpha)
        return plan(self, alpha)

    monkeypatch.setattr(FakeBench, "plan", watched)
    bench = FakeBench(settings(tmp_path, widen=WidenSettings(rounds=3)))
    search_grid(bench, save=lambda _: None)  # pyright: ignore[reportArgumentType]
    assert alphas == [pytest.approx(0.05 / 4)]


def test_one_that_cannot_be_made_does_not_stop_the_others(tmp_path: Path) -> None:
    points = SPACE.points()[:3]
    bench = FakeBench(settings(tmp_path), failing=(points[1].name,))
    on_verdicts: list[tuple[str, int, int]] = []
    found = gated(
        bench,
        points,
        alpha=0.05,
        save=lambda _: None,
        on_progress=lambda *each: on_verdicts.append(each),  # pyright: ignore[reportArgumentType]
    )
    assert [one.stopped_by is Gate.MADE for one in found] == [False, True, False]
    assert found[1].why == "it cannot be"
    assert [each for each in on_verdicts if each[0] == "candidates"] == [("candidates", done, 3) for done in range(4)]
