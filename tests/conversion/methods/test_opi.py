"""OPI by hand: v0 = θ/2 with a percentile's threshold."""

import pytest

from conversion.methods import test_qcfs
from conversion.methods.hand import histogram, plain, seen, starts, thresholds, trained, trains, unit_statistics
from spikewright.conversion.methods.opi import Opi
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.thresholds import percentile_threshold
from spikewright.errors import BadSetting


def test_by_hand() -> None:
    assert trains(Opi(timesteps=4)(plain(), unit_statistics())) == [test_qcfs.FIRST, test_qcfs.SECOND]


def test_on_a_source_trained_with_levels_it_is_qcfs() -> None:
    one, other = Opi(timesteps=3)(trained()), Qcfs(timesteps=3)(trained())
    assert one.plan == other.plan
    assert all(bool((array == other.arrays[name]).all()) for name, array in one.arrays.items())


def test_thresholds_and_start() -> None:
    values = [[0.1, 0.4, 0.45, 0.9, 2.0, 0.0], [0.3, 0.2, 3.0]]
    blueprint = Opi(timesteps=3, percentile=60)(plain(), seen(*values))
    assert thresholds(blueprint) == pytest.approx(
        [float(percentile_threshold(histogram(taken), 60)) for taken in values]
    )
    assert starts(blueprint) == [0.5, 0.5]
    assert not Opi().exact
    assert Opi().percentile == 99.9


@pytest.mark.parametrize("percentile", [0, -1, 100.5])
def test_refusals(percentile: float) -> None:
    with pytest.raises(BadSetting, match="percentile must be above 0 and at most 100"):
        Opi(percentile=percentile)
