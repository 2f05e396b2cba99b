"""The measure is a fault campaign: the same accuracies as `inject` gives, recorded, and refused early."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from trained import classifier

from search.test_converted import maker
from spikewright.campaigns.inject import InjectSettings, inject
from spikewright.campaigns.pool import Workers
from spikewright.errors import BadSetting
from spikewright.faults.bit_flip import BitFlip
from spikewright.faults.lost_spikes import LostSpikes
from spikewright.faults.stuck_at import StuckAt
from spikewright.search.by_injection import ByInjection
from spikewright.search.judged import first
from spikewright.search.making import Made
from spikewright.search.measure import Strike
from spikewright.search.points import Converted
from spikewright.search.settings import FaultSettings


@cache
def made() -> Made:
    return maker().make(Converted(method="qcfs", timesteps=4, bits=8), Path("nowhere"))


def test_accuracies_are_those_of_a_campaign(tmp_path: Path) -> None:
    images = first(maker().validation, 40)
    strike = Strike(ber=0.02, maps=6, seed=3, bits=8)
    measure = ByInjection(faults=FaultSettings(ber=(0.02,)))
    told: list[tuple[str, int, int]] = []
    for name, network in (("snn", made().blueprint), ("ann", classifier())):
        found = measure(
            network, images, strike, record=tmp_path / f"{name}.jsonl", tell=lambda *each: told.append(each)
        )
        settings = InjectSettings(fault=BitFlip(ber=0.02), bits=8, maps=6, seed=3, workers=Workers(count=1))
        wanted = inject(network, images, settings)
        assert found.accuracy_golden == wanted.accuracy_golden
        assert found.accuracies.tolist() == wanted.rows[0].accuracies.tolist()
        assert len(set(found.accuracies.tolist())) > 1
        # a shorter campaign is the beginning of a longer one
        short = measure(network, images, Strike(ber=0.02, maps=2, seed=3, bits=8), record=tmp_path / "short.jsonl")
        assert short.accuracies.tolist() == found.accuracies[:2].tolist()
        (tmp_path / "short.jsonl").unlink()
    assert told[-1][1:] == (6, 6)


def test_a_recorded_campaign_goes_on(tmp_path: Path) -> None:
    images, record = first(maker().validation, 40), tmp_path / "r.jsonl"
    measure = ByInjection(faults=FaultSettings(ber=(0.02,)))
    measure(made().blueprint, images, Strike(ber=0.02, maps=3, seed=3, bits=8), record=record)
    lines = record.read_text().splitlines()
    measure(made().blueprint, images, Strike(ber=0.02, maps=5, seed=3, bits=8), record=record)
    after = record.read_text().splitlines()
    assert after[: len(lines)] == lines
    assert len(after) == len(lines) + 2


def test_kinds_and_settings_of_faults() -> None:
    held = ByInjection(faults=FaultSettings(ber=(0.02,), kind="stuck_at", settings={"at": 1}))
    assert held.fault(0.02) == StuckAt(ber=0.02, at=1)
    assert ByInjection(faults=FaultSettings(ber=(0.02,))).fault(0.5) == BitFlip(ber=0.5)
    assert ByInjection(faults=FaultSettings(ber=(0.02,), kind="lost_spikes")).fault(0.5) == LostSpikes(rate=0.5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "bitflip"}, r"\[faults\] kind: there is no 'bitflip': did you mean 'bit_flip'\?"),
        ({"kind": "stuck_at", "settings": {"on": 1}}, "has no setting 'on'"),
        ({"kind": "stuck_at", "settings": {"at": 2}}, r"\[faults\] stuck_at: at is 2"),
        ({"kind": "stuck_at", "settings": {"ber": 0.1}}, r"\[faults.settings\] ber is what \[faults\] ber says"),
        ({"backend": "lokey"}, r"\[faults\] no backend named 'lokey'"),
        ({"backend": "ray"}, r"\[faults\] backend ray needs the address"),
        ({"address": "host:1"}, r"\[faults\] backend loky is this machine"),
    ],
)
def test_faults_that_cannot_be_are_refused_when_it_is_made(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        ByInjection(faults=FaultSettings(ber=(0.02,), **given))
