"""The four parametrisations against the paper's equations 7 to 10, one number at a time."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.training.ann.levels import MOST_LEVELS
from spikewright.training.ann.trainable import THRESHOLD_FLOOR
from spikewright.training.timesteps.parametrisation import PARAMETRISATIONS
from spikewright.training.timesteps.rounding import learned_round, whole

VALUES = st.lists(st.floats(-2, 6, width=32), min_size=1, max_size=15)
LN2 = math.log(2)
INF = float("inf")

# Inside: factors on (Q − x); above α: the slopes themselves. Each from (first, second) of its pair.
EQUATIONS: dict[
    str, tuple[Callable[[float, float], tuple[float, float]], Callable[[float, float], tuple[float, float]]]
]
EQUATIONS = {
    "n_d": (lambda n, d: (0.0, 1 / d), lambda n, d: (LN2 * 2**n * d, 2**n)),  # Eq. 7
    "n_alpha": (lambda n, alpha: (-LN2, 1 / alpha), lambda n, alpha: (0.0, 1.0)),  # Eq. 8
    "d_alpha": (lambda d, alpha: (1 / d, 0.0), lambda d, alpha: (0.0, 1.0)),  # Eq. 9
    "t_alpha": (lambda t, alpha: (-1 / t, 1 / alpha), lambda t, alpha: (0.0, 1.0)),  # Eq. 10
}


def _quantise(x: float, alpha: float, steps: int) -> float:
    return alpha * math.floor(steps * min(max(x / alpha, 0.0), 1.0) + 0.5) / steps


def pair(*values: float) -> list[torch.Tensor]:
    return [torch.tensor(value, dtype=torch.float64) for value in values]


@pytest.mark.parametrize("name", sorted(EQUATIONS))
@given(values=VALUES, alpha=st.floats(0.3, 4), t=st.floats(1, 20))
def test_gradients_are_the_papers(name: str, values: list[float], alpha: float, t: float) -> None:
    form = PARAMETRISATIONS[name]
    first, second = (parameter.requires_grad_() for parameter in form.start(*pair(alpha, t)))
    x = torch.tensor(values, dtype=torch.float64)
    real = form.alpha_and_t(first, second)
    assert [float(part.detach()) for part in real] == pytest.approx([alpha, t], rel=1e-12)
    out = learned_round(x, *real)
    found = torch.autograd.grad(out.sum(), [first, second], allow_unused=True, materialize_grads=True)
    inside, above = (rule(float(first.detach()), float(second.detach())) for rule in EQUATIONS[name])
    sums = [0.0, 0.0]
    steps = max(1, math.floor(t + 0.5))
    for index, value in enumerate(values):
        if abs(value - alpha) < 1e-9 or abs(t + 0.5 - round(t + 0.5)) < 1e-9:
            return
        position = steps * min(max(value / alpha, 0.0), 1.0) + 0.5
        tie = abs(position - round(position)) < 1e-9  # may fall either way in floating point
        q = float(out[index].detach()) if tie else _quantise(value, alpha, steps)
        slopes = above if value > alpha else tuple(factor * (q - value) for factor in inside)
        if value > 0:
            sums = [total + slope for total, slope in zip(sums, slopes, strict=True)]
    assert [float(gradient) for gradient in found] == pytest.approx(sums, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("name", sorted(PARAMETRISATIONS))
@given(
    numbers=st.lists(st.tuples(*[st.floats(-1e30, 1e30)] * 2), min_size=1, max_size=4),
    cap=st.sampled_from([INF, 6.0, 0.5]),
)
def test_after_the_guard_both_are_where_they_may_be(name: str, numbers: list[tuple[float, float]], cap: float) -> None:
    """Whatever a step of the optimiser makes of the parameters."""
    first, second = (torch.tensor(column) for column in zip(*numbers, strict=True))
    form, caps = PARAMETRISATIONS[name], torch.tensor(cap)
    form.guard(first, second, caps)
    alpha, t = form.alpha_and_t(first, second)
    assert bool(alpha.isfinite().all()) and bool(t.isfinite().all())
    assert bool((alpha >= THRESHOLD_FLOOR * (1 - 1e-5)).all()) and bool((alpha <= cap * (1 + 1e-5)).all())
    assert bool((t >= 1).all()), "exactly: T may not fall to 0"
    assert bool((whole(t) <= MOST_LEVELS).all())


@pytest.mark.parametrize("name", sorted(PARAMETRISATIONS))
@given(alpha=st.floats(0.01, 5), t=st.integers(1, 255))
def test_the_guard_leaves_alone_what_is_allowed(name: str, alpha: float, t: int) -> None:
    form = PARAMETRISATIONS[name]
    first, second = form.start(torch.tensor(alpha), torch.tensor(float(t)))
    before = first.clone(), second.clone()
    form.guard(first, second, torch.tensor(INF))
    torch.testing.assert_close((first, second), before, rtol=1e-6, atol=1e-6)
    assert int(whole(form.alpha_and_t(first, second)[1])) == t
