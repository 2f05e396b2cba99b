"""Signed neurons by hand: a spike too early is taken back."""

from conversion.methods import test_qcfs
from conversion.methods.hand import output, starts, trained, trains
from spikewright.conversion.methods.snm import Snm

SECOND = {
    "C": [1, 0, 0, 1],  # 5/4 fires, 0 is not below 0, 1/4, 1 fires
    "D": [1, -1, 0, 1],  # 3/2 fires, −1/2 takes back, 1/2, 3/2 fires
    "E": [0, 1, 0, -1],  # −1/2 with none to take back, 3/2 fires, 1/2, −1/2 takes back
    "F": [0, 0, 0, 1],
}


def test_by_hand() -> None:
    blueprint = Snm(timesteps=4)(trained())
    assert trains(blueprint) == [test_qcfs.FIRST, SECOND]
    assert output(blueprint) == [0.5, 0.25, 0, 0.25]  # QCFS reads 0.25 out of E
    assert starts(blueprint) == [0.5, 0.5]
    assert not Snm().exact
