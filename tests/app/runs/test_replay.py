"""What a replay is asked for, and that it is the map of its campaign."""

from pathlib import Path

import pytest
from support import trained

from spikewright.app.runs.inject import InjectRequest
from spikewright.app.runs.inject import run as run_campaigns
from spikewright.app.runs.replay import ReplayRequest, map_named, run
from spikewright.errors import BadSetting
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.faults.bit_flip import BitFlip


def test_a_map_of_a_run_is_that_of_its_campaign_and_nothing_is_written(tmp_path: Path) -> None:
    folder = trained.run_folder(tmp_path / "run")
    asked = InjectRequest(run=folder, settings=(InjectSettings(fault=BitFlip(ber=0.05), maps=3),), samples=40)
    found = run(ReplayRequest(campaign=asked, number=2))
    assert not (folder / "campaigns").exists()
    whole = run_campaigns(asked).campaigns[0]
    assert found.found.accuracy == whole.injection.rows[0].accuracies[2]
    assert found.to_json()["sha256"] == whole.to_json()["sha256"]


def test_maps_by_name() -> None:
    assert map_named("17") == (None, 17)
    assert map_named("layer:fc1#3") == ("layer:fc1", 3)
    assert map_named("channel:a#b/3#0") == ("channel:a#b/3", 0)
    for text in ("", "x", "-1", "1.5", "²", "9" * 30):
        with pytest.raises(BadSetting, match="give a map's number"):
            map_named(text)


def test_one_campaign_alone(tmp_path: Path) -> None:
    one = InjectSettings(fault=BitFlip(ber=0.05))
    with pytest.raises(BadSetting, match="give one --ber"):
        ReplayRequest(campaign=InjectRequest(run=tmp_path, settings=(one, one)), number=0)
    with pytest.raises(BadSetting, match="leave out --against"):
        ReplayRequest(campaign=InjectRequest(run=tmp_path, settings=(one,), record=tmp_path / "r"), number=0)
