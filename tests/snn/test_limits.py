"""The most that can be run is allowed, and one more is refused with what it is and where."""

import pytest

from spikewright.errors import BadPlan
from spikewright.snn.code import Code
from spikewright.snn.limits import (
    MOST_AXES,
    MOST_LEVELS,
    MOST_NUMBERS,
    MOST_STEPS,
    require_code,
    require_shape,
    require_steps,
)


def test_the_limits() -> None:
    assert (MOST_STEPS, MOST_LEVELS, MOST_NUMBERS, MOST_AXES) == (65_536, 2_147_483_647, 268_435_456, 16)


def test_steps() -> None:
    require_steps("a", 65_536)
    with pytest.raises(BadPlan, match=r"^a has 65,537 steps: 65,536 at most can be run$"):
        require_steps("a", 65_537)


@pytest.mark.parametrize(
    ("steps", "words"), [(10**15 - 1, "999,999,999,999,999"), (10**15, r"about 10\^15"), (7 * 10**99, r"about 10\^99")]
)
def test_a_number_that_would_fill_the_line_is_said_by_its_size(steps: int, words: str) -> None:
    with pytest.raises(BadPlan, match=rf"^a has {words} steps"):
        require_steps("a", steps)


def test_codes() -> None:
    require_code("a", Code((1,) * 65_536, warmup=65_536))
    with pytest.raises(BadPlan, match=r"^a: its window has 65,537 steps"):
        require_code("a", Code((1,) * 65_537))
    with pytest.raises(BadPlan, match=r"^a: its warm-up has 65,537 steps"):
        require_code("a", Code((1,), warmup=65_537))
    require_code("a", Code.bit_planes(31))
    with pytest.raises(BadPlan, match=r"^a: its code counts to 4,294,967,295: 2,147,483,647 at most can be run$"):
        require_code("a", Code.bit_planes(32))


def test_shapes() -> None:
    require_shape("a", (1,) * 16)
    require_shape("a", (2**14, 2**14))
    require_shape("a", (2**14, 2**10), steps=2**4)
    for shape in ((3, 0), (-1, 2)):
        with pytest.raises(BadPlan, match=r"^a has shape \(.*\): every axis must be 1 or more$"):
            require_shape("a", shape)
    with pytest.raises(BadPlan, match=r"^a has 17 axes: 16 at most can be run$"):
        require_shape("a", (1,) * 17)
    with pytest.raises(BadPlan, match=r"^a has shape \(16384, 16385\), 268,451,840 numbers a sample: 268,435,456"):
        require_shape("a", (2**14, 2**14 + 1))
    with pytest.raises(BadPlan, match=r"^a has shape \(16384, 16384\) over 2 steps, 536,870,912 numbers a sample"):
        require_shape("a", (2**14, 2**14), steps=2)
