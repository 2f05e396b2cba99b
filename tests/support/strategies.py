"""Hypothesis strategies that several tests share."""

from hypothesis import strategies as st

from spikewright.snn.code import Code


@st.composite
def codes(draw: st.DrawFn, *, steps: int = 7) -> Code:
    """Any legal code: built from the last step on, each weight at most one more than the sum after it."""
    weights: list[int] = []
    for _ in range(draw(st.integers(1, steps))):
        weights.insert(0, draw(st.integers(1, min(1 + sum(weights), 9))))
    return Code(tuple(weights))
