"""SlipReLU: QCFS's conversion of a source that was trained for it."""

import pytest

from conversion.methods.hand import plain, trained
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.methods.slip_relu import SlipRelu
from spikewright.errors import BadSetting
from spikewright.training.ann.levels import with_levels


def test_fires_as_qcfs_does() -> None:
    source = with_levels(plain(), 4, {node.name: 1.0 for node in plain().activations}, slip=0.4)
    one, other = SlipRelu(timesteps=4)(source), Qcfs(timesteps=4)(trained())
    assert one.plan == other.plan
    assert all(bool((array == other.arrays[name]).all()) for name, array in one.arrays.items())
    assert not SlipRelu().exact


def test_another_source_is_refused() -> None:
    for source in (plain(), trained()):
        with pytest.raises(BadSetting, match="slip_relu: the source was not trained with it"):
            SlipRelu()(source)
