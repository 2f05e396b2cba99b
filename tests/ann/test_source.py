import pytest

from spikewright.ann.ops.activations import Activation
from spikewright.errors import BadSetting


@pytest.mark.parametrize("slip", [-0.1, 1.0, float("nan"), float("inf")])
def test_a_slip_out_of_range_is_refused(slip: float) -> None:
    with pytest.raises(BadSetting, match=r"slip is .*: it must be 0 or more, and below 1"):
        Activation(levels=4, slip=slip)


def test_a_slip_without_levels_is_refused() -> None:
    with pytest.raises(BadSetting, match="no levels"):
        Activation(slip=0.4)
