"""Ranges that cover everything once, in order, on other threads."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from spikewright.engines.threads import spread


@given(st.integers(0, 50), st.integers(-1, 4))
def test_ranges_cover_all_items_once_and_in_order(items: int, threads: int) -> None:
    parts = spread(items, threads, lambda first, last: (first, last))
    assert [i for first, last in parts for i in range(first, last)] == list(range(items))
    assert len(parts) == max(1, min(items, threads))


def test_one_range_stays_here_and_others_run_at_once() -> None:
    here = threading.get_ident()
    assert spread(8, 1, lambda *part: threading.get_ident()) == [here]
    both = threading.Barrier(2, timeout=60)

    def meet(first: int, last: int) -> int:
        both.wait()  # passes only if the other one is running too
        return threading.get_ident()

    assert here not in spread(8, 2, meet)
