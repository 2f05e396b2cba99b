"""SRP by hand: what the probe leaves without potential stays silent in the window."""

import pytest

from conversion.methods import test_qcfs
from conversion.methods.hand import output, starts, trained, trains
from spikewright.conversion.methods.srp import Srp
from spikewright.errors import BadSetting
from spikewright.snn.encoders.repeat import Repeat


def test_by_hand() -> None:
    """Left after four steps: A ½, B ½, G 0; C 0, D ½, E −½, F 5/2. So G, C and E are silent, and F, which reads G."""
    blueprint = Srp(timesteps=4, warmup=4)(trained())
    silent = [0, 0, 0, 0]
    window = [
        {**test_qcfs.FIRST, "G": silent},
        {"C": silent, "D": test_qcfs.SECOND["D"], "E": silent, "F": silent},
    ]
    probe = [test_qcfs.FIRST, test_qcfs.SECOND]
    expected = [{name: seen[name] + after[name] for name in seen} for seen, after in zip(probe, window, strict=True)]
    assert trains(blueprint) == expected
    assert output(blueprint) == [0, 0.25, 0, 0]


def test_the_whole_network_probes() -> None:
    blueprint = Srp(timesteps=3, warmup=5)(trained())
    assert blueprint.plan.encoder == Repeat(3, 5)
    assert {(node.firing.code.warmup, node.firing.code.timesteps) for node in blueprint.plan.stages} == {(5, 3)}
    assert starts(blueprint) == [0.5, 0.5]
    assert Srp().warmup == 4
    assert not Srp().exact


def test_refusals() -> None:
    with pytest.raises(BadSetting, match="warmup must be at least 1, got 0: srp probes with it"):
        Srp(warmup=0)
    with pytest.raises(BadSetting, match="timesteps must be in"):
        Srp(timesteps=0)
