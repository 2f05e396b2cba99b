"""Laws that forget nothing say so, and are as small as they were."""

import pytest

from spikewright.snn.neurons import Law
from spikewright.snn.neurons.hard_reset import HardReset
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.neurons.signed import Signed


@pytest.mark.parametrize("law", [IntegrateFire(), HardReset(), Signed()])
def test_nothing_is_lost_from_step_to_step(law: Law) -> None:
    assert not law.leaks
    assert law.leak == 1.0
    assert law.membrane is None
    assert not hasattr(law, "__dict__")
