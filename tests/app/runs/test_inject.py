"""Campaigns on run folders: either network of a run, records, verdicts, hints."""

import json
from pathlib import Path

import pytest
from support import trained
from support.refuse_data import refuse_data

from spikewright.app.runs.campaign_result import Found
from spikewright.app.runs.inject import CAMPAIGNS, InjectRequest
from spikewright.app.runs.inject import run as run_campaigns
from spikewright.conversion.methods.exact import Exact
from spikewright.errors import BadFile, BadSetting
from spikewright.interchange import run_folder as folder
from spikewright.reliability.campaign.protection import Protection
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.faults.lost_spikes import LostSpikes


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A converted run, with its source."""
    made = trained.run_folder(tmp_path / "run", 15, 15)
    folder.save_blueprint(made, Exact(timesteps=4)(trained.classifier(15, 15), None), about={"data": "digits"})
    return made


def _asked(run: Path, *settings: InjectSettings, **more: object) -> InjectRequest:
    given = settings or (InjectSettings(fault=BitFlip(ber=0.02), maps=3),)
    return InjectRequest(run=run, settings=given, samples=40, **more)  # pyright: ignore[reportArgumentType]


def injected(request: InjectRequest) -> tuple[Found, ...]:
    return run_campaigns(request).campaigns


def test_either_network_of_a_run_in_a_record_of_its_own(run: Path) -> None:
    spiking, ordinary = (injected(_asked(run, of=of))[0] for of in ("spiking", "source"))
    assert injected(_asked(run))[0].injection.campaign == spiking.injection.campaign
    assert spiking.injection.campaign != ordinary.injection.campaign
    assert {path.stem for path in (run / CAMPAIGNS).iterdir()} == {
        spiking.injection.campaign,
        ordinary.injection.campaign,
    }
    assert spiking.injection.bits_total == ordinary.injection.bits_total == 8 * (64 * 20 + 20 * 12 + 12 * 10)
    assert spiking.injection.accuracy_golden == pytest.approx(ordinary.injection.accuracy_golden, abs=0.1)


def test_a_record_that_is_named_holds_all_campaigns_and_only_these(run: Path, tmp_path: Path) -> None:
    curve = tuple(InjectSettings(fault=BitFlip(ber=rate), maps=2) for rate in (0.01, 0.1))
    record = tmp_path / "r.jsonl"
    first = injected(_asked(run, *curve, record=record))
    lines = record.read_text().splitlines()
    assert len(lines) == 2 + 4
    assert {json.loads(line)["campaign"] for line in lines} == {found.injection.campaign for found in first}
    assert [f.to_json() for f in injected(_asked(run, *curve, record=record))] == [f.to_json() for f in first]
    assert record.read_text().splitlines() == lines
    with pytest.raises(BadFile, match="another campaign"):
        injected(_asked(run, *curve, record=record, split="validation"))
    assert record.read_text().splitlines() == lines


def test_several_campaigns_are_a_curve_with_what_they_share(run: Path) -> None:
    curve = tuple(InjectSettings(fault=BitFlip(ber=rate), maps=2) for rate in (0.01, 0.1))
    result = run_campaigns(_asked(run, *curve))
    whole, (first, second) = result.to_json(), (each.to_json() for each in result.campaigns)
    assert whole["curve"] == [first, second]
    shared = {name: value for name, value in whole.items() if name != "curve"}
    assert shared == {name: value for name, value in first.items() if name != "rows" and second[name] == value}
    assert run_campaigns(_asked(run, curve[0])).to_json() == first


def test_a_verdict_rests_on_the_same_maps(run: Path) -> None:
    settings = InjectSettings(fault=BitFlip(ber=0.3), maps=100)
    found = injected(_asked(run, settings, against=run, against_of="source", margin=0.9, way="strict"))[0]
    made = found.to_json()
    assert found.compared is not None
    pairs = zip(found.injection.rows[0].accuracies, found.compared.injection.rows[0].accuracies, strict=True)
    assert made["against"]["difference_mean"] == pytest.approx(sum(a - b for a, b in pairs) / 100)
    assert made["verdict"] == "PASS"  # no network is 90 points worse here
    assert made["against"]["difference_low"] >= -0.9


def test_hints_meet_the_maps_of_the_bare_network(run: Path) -> None:
    found = injected(_asked(run, harden=True, against=run, against_of="source"))[0]
    assert found.hints is not None
    bare = injected(_asked(run))[0].injection
    assert found.hints.bare.rows[0].accuracies.tolist() == bare.rows[0].accuracies.tolist()
    assert [row.stratum for row in found.hints.bits.rows] == [f"bit:{bit}" for bit in range(8)]
    assert len(found.hints.layers.rows) == 3
    by_name = {each.name: each for each in found.hints.alternatives}
    assert set(by_name) > {str(run), Protection(ecc=1).name, Protection(clip=True).name}
    one = InjectSettings(fault=BitFlip(ber=0.02), maps=3, protection=Protection(ecc=2))
    alone = injected(_asked(run, one))[0].injection
    paired = (alone.rows[0].accuracies - bare.rows[0].accuracies).mean()
    assert by_name[Protection(ecc=2).name].difference == pytest.approx(float(paired))
    all_kept = InjectSettings(fault=BitFlip(ber=0.02), maps=3, protection=Protection(ecc=8))
    assert injected(_asked(run, all_kept))[0].injection.rows[0].masked.tolist() == [40] * 3


def test_what_does_not_go_together_is_refused(run: Path) -> None:
    spikes = InjectSettings(fault=LostSpikes(rate=0.1), maps=2)
    with pytest.raises(BadSetting, match="spiking neurons"):
        injected(_asked(run, spikes, of="source"))
    with pytest.raises(BadSetting, match="stored weights"):
        injected(_asked(run, spikes, harden=True))
    with pytest.raises(BadSetting, match="whole networks"):
        _asked(run, InjectSettings(fault=BitFlip(ber=0.1), scope="layer"), against=run)
    with pytest.raises(BadSetting, match="no way"):
        _asked(run, way="lenient")


def test_nothing_is_loaded_where_run_fault_or_split_cannot_be(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_data(monkeypatch)
    for settings, more, error, words in (
        (InjectSettings(fault=LostSpikes(rate=0.1), maps=2), {"of": "source"}, BadSetting, "spiking neurons"),
        (InjectSettings(fault=BitFlip(ber=0.1), layer="none"), {}, BadSetting, "none"),
        (InjectSettings(fault=BitFlip(ber=0.1)), {"against": tmp_path / "nowhere"}, BadFile, "no run folder"),
        (InjectSettings(fault=BitFlip(ber=0.1)), {"split": "tests"}, BadSetting, "no split named 'tests'"),
    ):
        with pytest.raises(error, match=words):
            run_campaigns(_asked(run, settings, **more))
