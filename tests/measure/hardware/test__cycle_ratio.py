"""The shortest interval against every cycle of small graphs, one after the other."""

from fractions import Fraction
from itertools import pairwise, permutations, product

from hypothesis import given
from hypothesis import strategies as st

from spikewright.measure.hardware._cycle_ratio import Wait, shortest_interval, slower_cycle

NAMES = "abcd"


@st.composite
def waits(draw: st.DrawFn) -> list[Wait]:
    """Some that lead to a later core for the same sample, and some that lead anywhere for a later one."""
    found = []
    for before, after in draw(st.lists(st.sampled_from(list(product(NAMES, NAMES))), max_size=6)):
        steps = Fraction(draw(st.integers(0, 12)), draw(st.integers(1, 3)))
        found.append(Wait(before, after, steps, draw(st.integers(0 if before < after else 1, 3))))
    return found


def ratios(found: list[Wait]) -> list[Fraction]:
    """Of every cycle that meets each core at most once."""
    made = []
    for length in range(1, len(NAMES) + 1):
        for cores in permutations(NAMES, length):
            links = [
                [wait for wait in found if (wait.before, wait.after) == pair] for pair in pairwise((*cores, cores[0]))
            ]
            for cycle in product(*links):
                made.append(sum((wait.steps for wait in cycle), Fraction(0)) / sum(wait.samples for wait in cycle))
    return made


@given(waits(), st.lists(st.integers(1, 6), min_size=len(NAMES), max_size=len(NAMES)))
def test_the_interval_is_the_largest_ratio_of_all_cycles(found: list[Wait], steps: list[int]) -> None:
    windows = {name: Fraction(each) for name, each in zip(NAMES, steps, strict=True)}
    interval, cores = shortest_interval(windows, found)
    assert interval == max([*windows.values(), *ratios(found)])
    assert cores
    assert set(cores) <= set(NAMES)
    assert not slower_cycle(found, interval)


def test_without_waits_the_slowest_core_sets_the_pace() -> None:
    assert shortest_interval({"a": Fraction(3), "b": Fraction(5)}, []) == (5, ("b",))


def test_a_cycle_over_two_samples_need_not_be_whole() -> None:
    found = [Wait("a", "b", Fraction(4), 0), Wait("b", "a", Fraction(3), 2)]
    assert shortest_interval({"a": Fraction(2), "b": Fraction(3)}, found) == (Fraction(7, 2), ("a", "b"))
    assert set(slower_cycle(found, Fraction(3))) == set(found)
