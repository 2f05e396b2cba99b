"""Faults by name: those of a search file at any rate, and what is refused."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from spikewright.app.runs.faults import FaultAt, fault_of
from spikewright.app.runs.search import by_injection
from spikewright.errors import BadSetting
from spikewright.exploration.request.settings import FaultSettings, NetworkSettings, SearchSettings
from spikewright.exploration.request.space import TrainedSpace
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.faults.lost_spikes import LostSpikes
from spikewright.reliability.faults.stuck_at import StuckAt


def test_a_fault_by_name_and_rate() -> None:
    assert fault_of("bit_flip", {}, 0.1) == BitFlip(ber=0.1)
    assert fault_of("lost_spikes", {}, 0.1) == LostSpikes(rate=0.1)
    with pytest.raises(BadSetting, match="no fault named 'nothing'"):
        fault_of("nothing", {}, 0.1)
    with pytest.raises(BadSetting, match="say the same: leave out one"):
        fault_of("lost_spikes", {"rate": "0.2"}, 0.1)


def test_the_fault_of_a_search_at_any_rate_in_any_process() -> None:
    assert FaultAt("stuck_at", {"at": 1})(0.02) == StuckAt(ber=0.02, at=1)
    assert FaultAt("bit_flip")(0.5) == BitFlip(ber=0.5)
    assert pickle.loads(pickle.dumps(FaultAt("lost_spikes")))(0.5) == LostSpikes(rate=0.5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "bitflip"}, r"\[faults\] kind: there is no 'bitflip': did you mean 'bit_flip'\?"),
        ({"kind": "stuck_at", "settings": {"on": 1}}, "has no setting 'on'"),
        ({"kind": "stuck_at", "settings": {"at": 2}}, r"\[faults\] stuck_at: at is 2"),
        ({"kind": "stuck_at", "settings": {"ber": 0.1}}, r"\[faults.settings\] ber is what \[faults\] ber says"),
    ],
)
def test_faults_that_cannot_be_are_refused_before_a_search(given: dict[str, Any], words: str) -> None:
    settings = SearchSettings(
        kind="train",
        network=NetworkSettings(run=Path("a")),
        out=Path("b"),
        space=TrainedSpace(timesteps=(4,), thresholds=(1.0,)),
        faults=FaultSettings(ber=(0.02,), **given),
    )
    with pytest.raises(BadSetting, match=words):
        by_injection(settings)
