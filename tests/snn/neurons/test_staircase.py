"""The staircase law against plain Python: spikes step by step, codes at once, tables by channel, drift."""

from bisect import bisect_right

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spikewright.snn.code import Code
from spikewright.snn.neurons.staircase import Staircase
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.two_phase import TwoPhase
from spikewright.snn.trains import decode, encode

ONE = torch.ones((), dtype=torch.float64)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Code, bool, list[int], list[int] | None]:
    """A code, whether it is signed, rising thresholds, and falling ones where there is such a branch."""
    code = draw(st.sampled_from([Code.bit_planes(1), Code.bit_planes(3), Code.rate(4), Code((2, 1, 1))]))
    signed = draw(st.booleans())
    count = code.levels * (2 if signed else 1)
    rising = sorted(draw(st.lists(st.integers(0, 30), min_size=count, max_size=count)))
    falls = draw(st.booleans())
    falling = sorted(draw(st.lists(st.integers(-30, -1), min_size=count, max_size=count)), reverse=True)
    return code, signed, rising, falling if falls else None


def _code(potential: int, rising: list[int], falling: list[int] | None, lowest: int) -> int:
    code = bisect_right(rising, potential)
    if falling is not None:
        code = max(code, sum(potential <= each for each in falling))
    return code + lowest


def _run(code: Code, signed: bool, rising: Tensor, falling: Tensor | None, potential: Tensor) -> tuple[Tensor, Tensor]:
    """The train [T, N, *] of a window's potential [N, *], and the code at once."""
    arrays = {"rising": rising} | ({} if falling is None else {"falling": falling})
    law = Staircase(signed=signed, falls=falling is not None).bound(arrays)
    drive = Drive(potential.unsqueeze(0), None, ONE * 0, ONE)
    return TwoPhase().run(law, drive, code), law.code(potential)


@given(tables(), st.lists(st.integers(-35, 35), min_size=1, max_size=20))
def test_spikes_and_codes_like_python(
    table: tuple[Code, bool, list[int], list[int] | None], potentials: list[int]
) -> None:
    """Whole numbers, so that potentials fall on thresholds: a tie is reached."""
    code, signed, rising, falling = table
    expected = [_code(each, rising, falling, -code.levels if signed else 0) for each in potentials]
    potential = torch.tensor(potentials, dtype=torch.float64).reshape(-1, 1)
    as_table = None if falling is None else torch.tensor(falling).double().reshape(-1, 1)
    train, at_once = _run(code, signed, torch.tensor(rising).double().reshape(-1, 1), as_table, potential)
    assert at_once.flatten().tolist() == expected
    assert decode(train, code).flatten().tolist() == expected
    assert torch.equal(train, encode(at_once, code, signed=signed))
    if signed:  # the sign is that of the code, from the first spike to the last
        assert bool((train * at_once.sign() >= 0).all())


@pytest.mark.parametrize("shape", [(2, 3, 3), (2, 1, 1), (1, 1, 3), (1, 1, 1), ()])
def test_tables_of_any_axes(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    code = Code.bit_planes(2)
    rising = torch.randn(3, *shape, generator=generator, dtype=torch.float64).sort(0).values
    potential = torch.randn(5, 2, 3, 3, generator=generator, dtype=torch.float64)
    train, at_once = _run(code, False, rising, None, potential)
    whole = rising.expand(3, 2, 3, 3) if shape else rising.reshape(3, 1, 1, 1).expand(3, 2, 3, 3)
    assert torch.equal(at_once, (potential.unsqueeze(0) >= whole.unsqueeze(1)).sum(0).double())
    assert torch.equal(decode(train, code), at_once)


def test_drifted_thresholds_are_compared_with_those() -> None:
    rising = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64).reshape(-1, 1)
    factors = torch.tensor([1.0, 0.3, 2.5], dtype=torch.float64)
    potential = torch.tensor([[1.5, 1.5, 4.9]], dtype=torch.float64)
    law = Staircase().bound({"rising": rising}).drifted(factors)
    drive = Drive(potential.unsqueeze(0), None, ONE * 0, ONE * factors)
    assert decode(TwoPhase().run(law, drive, Code.bit_planes(2)), Code.bit_planes(2)).tolist() == [[1.0, 3.0, 1.0]]


def test_what_it_says_of_itself() -> None:
    plain, both = Staircase(), Staircase(signed=True, falls=True)
    assert (plain.arrays, plain.thresholds(15), plain.compares_once) == (("rising",), 15, 0)
    assert (both.arrays, both.thresholds(15), both.compares_once) == (("rising", "falling"), 30, 2)
    assert not plain.resets
    with pytest.raises(TypeError, match="bind it"):
        plain.fire(plain.init(ONE, ONE), ONE)
