"""The measure is a fault campaign: the same accuracies as `inject` gives, recorded, and refused early."""

from functools import cache
from pathlib import Path

import pytest
from support.reported import Verdicts
from support.trained import classifier

from exploration.candidates.test_converted import maker
from spikewright.errors import BadSetting
from spikewright.exploration.candidates.maker import Made
from spikewright.exploration.figures.under_faults import FaultLoad
from spikewright.exploration.gates.by_injection import ByInjection
from spikewright.exploration.request.points import Converted
from spikewright.exploration.request.settings import FaultSettings
from spikewright.measure.samples import first
from spikewright.reliability.campaign.inject import InjectSettings, inject
from spikewright.reliability.faults import Fault
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.workers.pool import Workers


@cache
def made() -> Made:
    return maker().make(Converted(method="qcfs", timesteps=4, bits=8), Path("nowhere"))


def test_accuracies_are_those_of_a_campaign(tmp_path: Path) -> None:
    images = first(maker().validation, 40)
    load = FaultLoad(ber=0.02, maps=6, seed=3, bits=8)
    measure = ByInjection(faults=FaultSettings(ber=(0.02,)), fault_at=lambda rate: BitFlip(ber=rate))
    on_verdicts = Verdicts()
    for name, network in (("snn", made().blueprint), ("ann", classifier())):
        found = measure(network, images, load, record=tmp_path / f"{name}.jsonl", on_progress=on_verdicts)
        settings = InjectSettings(fault=BitFlip(ber=0.02), bits=8, maps=6, seed=3, workers=Workers(count=1))
        wanted = inject(network, images, settings)
        assert found.accuracy_golden == wanted.accuracy_golden
        assert found.accuracies.tolist() == wanted.rows[0].accuracies.tolist()
        assert len(set(found.accuracies.tolist())) > 1
        # a shorter campaign is the beginning of a longer one
        short = measure(network, images, FaultLoad(ber=0.02, maps=2, seed=3, bits=8), record=tmp_path / "short.jsonl")
        assert short.accuracies.tolist() == found.accuracies[:2].tolist()
        (tmp_path / "short.jsonl").unlink()
    assert on_verdicts[-1][1:] == (6, 6)


def test_a_recorded_campaign_goes_on(tmp_path: Path) -> None:
    images, record = first(maker().validation, 40), tmp_path / "r.jsonl"
    measure = ByInjection(faults=FaultSettings(ber=(0.02,)), fault_at=lambda rate: BitFlip(ber=rate))
    measure(made().blueprint, images, FaultLoad(ber=0.02, maps=3, seed=3, bits=8), record=record)
    lines = record.read_text().splitlines()
    measure(made().blueprint, images, FaultLoad(ber=0.02, maps=5, seed=3, bits=8), record=record)
    after = record.read_text().splitlines()
    assert after[: len(lines)] == lines
    assert len(after) == len(lines) + 2


def test_a_rate_that_cannot_be_and_workers_that_cannot_be_are_refused_when_it_is_made() -> None:
    def refusing(rate: float) -> Fault:
        raise BadSetting(f"no fault at {rate}")

    with pytest.raises(BadSetting, match=r"no fault at 0\.02"):
        ByInjection(faults=FaultSettings(ber=(0.02,)), fault_at=refusing)
    for given, words in (
        ({"backend": "lokey"}, r"\[faults\] no backend named 'lokey'"),
        ({"backend": "ray"}, r"\[faults\] backend ray needs the address"),
        ({"address": "host:1"}, r"\[faults\] backend loky is this machine"),
    ):
        with pytest.raises(BadSetting, match=words):
            ByInjection(faults=FaultSettings(ber=(0.02,), **given), fault_at=lambda rate: BitFlip(ber=rate))
