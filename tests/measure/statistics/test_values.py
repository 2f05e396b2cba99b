"""What counts as one value a map."""

import numpy as np
import pytest

from spikewright.errors import BadData, BadSetting
from spikewright.measure.statistics.values import DIFFERENCE, UNIT, alike, error_share, of_maps


def test_lists_become_float64_in_the_same_order() -> None:
    found = of_maps([1, 0, 0.25])
    assert found.dtype == np.float64
    assert found.tolist() == [1.0, 0.0, 0.25]


@pytest.mark.parametrize("values", [[], 0.5, [[0.1, 0.2]]])
def test_not_one_value_a_map(values: object) -> None:
    with pytest.raises(BadData, match=r"one value a fault map, \[maps\], got shape"):
        of_maps(values)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_not_finite(bad: float) -> None:
    with pytest.raises(BadData, match="value of map 2 is not finite"):
        of_maps([0.1, 0.2, bad])


def test_points_are_not_shares() -> None:
    with pytest.raises(BadData, match=r"value of map 1 is 93\.5, outside 0 … 1: give shares, not points"):
        of_maps([0.5, 93.5], UNIT)
    with pytest.raises(BadData, match=r"map 0 is -1\.5, outside -1 … 1"):
        of_maps([-1.5], DIFFERENCE)


def test_rounding_outside_is_put_inside() -> None:
    assert of_maps([1 + 1e-12, -1e-12], UNIT).tolist() == [1.0, 0.0]


def test_alike_but_for_rounding() -> None:
    assert alike(np.array([0.9 - 0.8, 0.8 - 0.7, 0.1]))
    assert not alike(np.array([0.1, 0.1, 0.1005]))


def test_level() -> None:
    assert error_share(0.95) == pytest.approx(0.05)
    for level in (0, 1, 95, float("nan")):
        with pytest.raises(BadSetting, match="level must lie between 0 and 1"):
            error_share(level)
