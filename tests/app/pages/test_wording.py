"""Numbers in words, one by one; the unit of an energy against a search by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from spikewright.app.pages.wording import bit_error_rate, energy_unit, percent, points, three_digits


def test_shares_points_and_what_is_not_known() -> None:
    assert [percent(share) for share in (0.9303, 1.0, 0.0, -0.0123, None)] == [
        "93.03%",
        "100.00%",
        "0.00%",
        "−1.23%",
        "–",
    ]
    assert [points(one) for one in (0.004, -0.0668, -0.00001, None)] == ["+0.40", "−6.68", "+0.00", "–"]
    assert [three_digits(one) for one in (0.17, 3.4, 1234.4, None)] == ["0.170", "3.40", "1234", "–"]


@pytest.mark.parametrize(
    ("rate", "text"),
    [(1e-5, "1e-5"), (0.001, "1e-3"), (0.1, "1e-1"), (2.5e-4, "2.5e-4"), (1.0, "1"), (0.0, "0"), (None, "–")],
)
def test_bit_error_rates(rate: float | None, text: str) -> None:
    assert bit_error_rate(rate) == text


@given(some.floats(1e-12, 1.0))
def test_a_bit_error_rate_is_read_back(rate: float) -> None:
    assert float(bit_error_rate(rate)) == pytest.approx(rate, rel=1e-3)


@given(some.lists(some.one_of(some.none(), some.floats(0, 100)), max_size=5))
def test_the_largest_energy_is_at_least_one_unit_and_less_than_a_thousand(joules: list[float | None]) -> None:
    scale, unit = energy_unit(joules)
    assert {"J": 1.0, "mJ": 1e-3, "µJ": 1e-6, "nJ": 1e-9, "pJ": 1e-12}[unit] == scale
    largest = max([one for one in joules if one is not None], default=0.0)
    assert largest / scale >= 1 or unit == "pJ"
    assert largest / scale < 1000 or unit == "J" or largest / scale == pytest.approx(1000)
