"""Holm against the procedure step by step, and gates together against gates alone at its levels."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewright.errors import BadData
from spikewright.measure.statistics.decisions import Normal, Strict, Verdict, Way
from spikewright.measure.statistics.holm import decide_together, holm


def shown_by_hand(p_values: list[float], alpha: float) -> set[int]:
    """The smallest against α/m, the next against α/(m − 1), …; stop at the first that fails."""
    left, shown = list(range(len(p_values))), set[int]()
    while left:
        smallest = min(left, key=lambda i: p_values[i])
        if p_values[smallest] > alpha / len(left):
            break
        shown.add(smallest)
        left.remove(smallest)
    return shown


@given(st.lists(st.integers(0, 1000), max_size=8), st.sampled_from([0.01, 0.05, 0.2]))
def test_adjusted_p_values_are_the_procedure(thousandths: list[int], alpha: float) -> None:
    p_values = [one / 999.7 if one < 999 else 1.0 for one in thousandths]
    adjusted = holm(p_values)
    assert {i for i, p in enumerate(adjusted) if p <= alpha} == shown_by_hand(p_values, alpha)
    assert all(a >= p for a, p in zip(adjusted, p_values, strict=True))
    in_order = [adjusted[i] for i in np.argsort(p_values, kind="stable")]
    assert all(a <= b for a, b in pairwise(in_order))


def test_an_example_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.7, 0.6]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


@pytest.mark.parametrize("p_values", [[0.1, 1.1], [-0.1], [float("nan")], [[0.1]]])
def test_bad_p_values(p_values: list[float]) -> None:
    with pytest.raises(BadData, match="holm: p-values must be one list of numbers from 0 to 1"):
        holm(p_values)


def maps(seed: int, mean: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.02, 400)


@pytest.mark.parametrize("way", [Normal(), Strict()])
def test_one_alone_is_a_gate_alone(way: Way) -> None:
    for seed, mean in enumerate((-0.03, 0.0, 0.03)):
        alone = way.decide(maps(seed, mean), margin=0.01)
        assert decide_together({"a": maps(seed, mean)}, margin=0.01, way=way) == {"a": alone}


@pytest.mark.parametrize("way", [Normal(), Strict()])
def test_verdicts_are_holms_in_each_direction(way: Way) -> None:
    together = {f"c{seed}": maps(seed, 0.1 * (seed % 7 - 3) / 3 - 0.01) for seed in range(14)}
    together |= {f"near{seed}": maps(seed, 0.0045 * (seed % 3 - 1) - 0.01) for seed in range(12)}
    names = list(together)
    passes = [way.p_value(one, margin=0.01) for one in together.values()]
    fails = [way.p_value(-one, margin=-0.01) for one in together.values()]
    found = decide_together(together, margin=0.01, way=way)
    assert list(found) == names
    verdicts = {one.verdict for one in found.values()}
    assert verdicts == set(Verdict)
    for name, one in found.items():
        i = names.index(name)
        assert (one.verdict is Verdict.PASS) == (i in shown_by_hand(passes, 0.05))
        assert (one.verdict is Verdict.FAIL) == (i in shown_by_hand(fails, 0.05))
        # the interval beside it says the same
        assert (one.low >= -0.01) == (one.verdict is Verdict.PASS)
        assert (one.high <= -0.01) == (one.verdict is Verdict.FAIL)


def test_many_at_the_boundary_are_rarely_wrong_together() -> None:
    wrong, wrong_alone = 0, 0
    for campaign in range(150):
        together = {str(i): maps(1000 * campaign + i, -0.01) for i in range(10)}
        wrong += any(
            one.verdict is not Verdict.UNDECIDED
            for one in decide_together(together, margin=0.01, way=Normal()).values()
        )
        wrong_alone += any(
            Normal().decide(one, margin=0.01).verdict is not Verdict.UNDECIDED for one in together.values()
        )
    assert wrong / 150 <= 0.08
    assert wrong_alone / 150 > 0.15


def test_looks_that_contradict_each_other_decide_nothing() -> None:
    """The first 128 maps pass and 256 fail, with a vengeance: these are not draws of one distribution."""
    generator = np.random.default_rng(0)
    turned = np.r_[generator.normal(0.02, 0.01, 128), generator.normal(-0.2, 0.15, 128)]
    assert Normal().decide(turned, margin=0.0).verdict is Verdict.PASS
    found = decide_together({"turned": turned}, margin=0.0, way=Normal())["turned"]
    assert found.verdict is Verdict.UNDECIDED
    assert found.reason.endswith("but looks contradict each other")


def test_nothing_to_decide_on() -> None:
    with pytest.raises(BadData, match="no configuration to decide on"):
        decide_together({}, margin=0.0, way=Normal())
