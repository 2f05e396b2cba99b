"""Campaigns read from JSON: names of parts, order, what rows inherit, and what is refused."""

import json
from typing import Any

import pytest
from support.campaign_json import campaign, row

from spikewright.app.pages.campaign import campaigns, one_at_a_time
from spikewright.errors import BadData

MAPS = [0.5, 0.6, 0.7, 0.8]


@pytest.mark.parametrize(
    ("name", "short", "place", "layer_and_bit", "bit"),
    [
        ("model", "model", "whole network", None, None),
        ("layer:fc1", "fc1", "layer fc1", None, None),
        ("layer:block/1.conv", "block/1.conv", "layer block/1.conv", None, None),
        ("bit:7", "bit 7", "bit 7", None, 7),
        ("channel:fc1/3", "fc1/3", "channel fc1/3", None, None),
        ("channel:fc1/3/bit:7", "fc1/3, bit 7", "channel fc1/3, bit 7", None, 7),
        ("layer:fc1/bit:7", "fc1, bit 7", "layer fc1, bit 7", ("fc1", 7), 7),
        ("layer:a/b/bit:0", "a/b, bit 0", "layer a/b, bit 0", ("a/b", 0), 0),
    ],
)
def test_names_of_parts(
    name: str, short: str, place: str, layer_and_bit: tuple[str, int] | None, bit: int | None
) -> None:
    (found,) = campaigns([campaign(None, scope="layer", rows=[row(name, MAPS)])])
    (stratum,) = found.strata
    assert (stratum.short, stratum.place, stratum.layer_and_bit, stratum.bit) == (short, place, layer_and_bit, bit)
    (alone,) = campaigns([campaign(None, rows=[row(name, MAPS)])])
    assert (alone.place, alone.strata) == (place, ())


def test_scopes_in_words() -> None:
    assert [one_at_a_time(scope) for scope in ("layer", "bit", "channel", "cell")] == [
        "one layer at a time",
        "one bit position at a time",
        "one output channel at a time",
        "one bit position of one layer at a time",
    ]


def test_figures_are_those_of_the_file() -> None:
    rows = [row("model", MAPS, critical=0.25, masked=0.5, hits_mean=9.5)]
    raw = campaign(MAPS, name="C2", seed=7, level=0.9, ties=3, silent=1, rows=rows)
    (found,) = campaigns([json.loads(json.dumps(raw))])
    whole = found.whole
    assert whole is not None
    for key in ("accuracy_mean", "accuracy_low", "accuracy_high", "accuracy_worst", "reliability_mean", "maps"):
        assert getattr(whole, key) == raw[key]
    assert whole.lost == pytest.approx(0.9 - 0.65)
    assert (whole.outcomes, whole.hits) == ({"masked": 0.5, "critical": 0.25}, 9.5)
    assert (found.network, found.rate, found.is_ber, found.level, found.ties, found.silent) == (
        "C2",
        1e-2,
        True,
        0.9,
        3,
        1,
    )
    assert whole.accuracies == tuple(MAPS)
    assert found.raw["seed"] == 7


def test_a_row_takes_golden_accuracy_and_maps_from_its_campaign() -> None:
    bare = row("bit:7", MAPS)
    for key in ("accuracy_golden", "maps", "accuracies"):
        del bare[key]
    (found,) = campaigns([campaign(None, maps=11, scope="bit", rows=[bare])])
    assert found.whole is None
    assert (found.strata[0].accuracy_golden, found.strata[0].maps) == (0.9, 11)


def test_without_rows_the_figures_at_the_top_are_those_of_the_whole() -> None:
    (found,) = campaigns([campaign(MAPS, rows=[])])
    assert found.whole is not None
    assert (found.whole.name, found.whole.accuracy_mean, found.whole.accuracies) == ("model", 0.65, ())
    (parts,) = campaigns([campaign(MAPS, scope="bit", rows=[row("bit:0", [0.1, 0.2])])])
    assert parts.whole is not None
    assert (parts.whole.accuracy_mean, parts.place) == (0.65, "one bit position at a time")


@pytest.mark.parametrize(
    ("raw", "fault", "rate", "under", "tick"),
    [
        ({}, "bit flip", 1e-2, "at BER 1e-2", "1e-2"),
        ({"ber": 0}, "bit flip", 0.0, "at BER 0", "0"),
        ({"fault": "stuck_at"}, "stuck at", 1e-2, "at BER 1e-2", "1e-2"),
        ({"fault": {"kind": "stuck_at", "ber": 1e-2, "at": 1}}, "stuck at (at 1)", 1e-2, "at BER 1e-2", "1e-2"),
        ({"ber": None, "fault": {"kind": "lost_spikes", "rate": 0.1}}, "lost spikes", 0.1, "at rate 1e-1", "1e-1"),
        (
            {"fault": {"kind": "threshold", "ber": 1e-2, "rate": 0.5, "bits": 8}},
            "threshold (rate 0.5, bits 8)",
            1e-2,
            "at BER 1e-2",
            "1e-2",
        ),
        (
            {"ber": None, "fault": {"kind": "leak", "spread": 0.1, "rate": 1.0}},
            "leak (spread 0.1)",
            1.0,
            "at rate 1",
            "1",
        ),
        (
            {"ber": None, "fault": {"kind": "bit_flip", "count": 1000}},
            "bit flip",
            None,
            "with 1,000 struck a map",
            "1,000 struck",
        ),
        (
            {"ber": None, "fault": {"kind": "bit_flip", "bits": {"fc1": [[0, 7]]}}},
            "bit flip (bits listed)",
            None,
            "under the listed faults",
            "listed",
        ),
    ],
)
def test_faults_in_words(raw: dict[str, Any], fault: str, rate: float | None, under: str, tick: str) -> None:
    (found,) = campaigns([campaign(MAPS, **raw)])
    assert (found.fault, found.rate, found.under, found.tick) == (fault, rate, under, tick)


def test_curves_are_in_order_and_objects_of_one_name_are_one_network() -> None:
    curve = {"name": "ANN", "curve": [campaign(MAPS, ber=ber) for ber in (1e-1, 1e-3)]}
    bits = campaign(None, name="ANN", scope="bit", rows=[row("bit:0", MAPS)])
    found = campaigns([curve, campaign(MAPS, name="C2"), bits])
    assert [(one.network, one.rate, one.scope) for one in found] == [
        ("ANN", 1e-3, "model"),
        ("ANN", 1e-2, "bit"),
        ("ANN", 1e-1, "model"),
        ("C2", 1e-2, "model"),
    ]


def test_networks_without_a_name_are_numbered() -> None:
    assert campaigns([campaign(MAPS)])[0].network == "the network"
    assert [one.network for one in campaigns([campaign(MAPS)] * 2)] == ["network 1", "network 2"]


def test_what_holds_no_campaign_is_passed_over() -> None:
    assert campaigns([{"candidates": []}, {"name": "x", "hardening": []}]) == []


def test_verdicts() -> None:
    (found,) = campaigns([campaign(MAPS, verdict="PASS")])
    assert found.verdict is not None
    assert (found.verdict.found, found.verdict.difference) == ("PASS", None)
    reported = {"accuracy_mean": 0.7, "difference_mean": -0.03, "difference_low": -0.04, "difference_high": -0.02}
    (found,) = campaigns([campaign(MAPS, verdict="FAIL", against={**reported, "reason": "all below 0"})])
    assert found.verdict is not None
    assert (found.verdict.accuracy, found.verdict.difference, found.verdict.low, found.verdict.high) == (
        0.7,
        -0.03,
        -0.04,
        -0.02,
    )
    assert found.verdict.reason == "all below 0"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ber": 1.5}, "has ber 1.5, not a number of 0 to 1"),
        ({"fault": {"kind": "lost_spikes", "rate": 2}, "ber": None}, "the fault of fault campaign 'C2' has rate 2"),
        ({"images": 0}, "has no images"),
        ({"accuracy_worst": 50}, "has accuracy_worst 50"),
        ({"accuracy_worst": None}, "has no accuracy_worst"),
        ({"accuracy_low": 0.95}, "has accuracy_low, accuracy_mean, accuracy_high of 0.95"),
        ({"maps": 5, "accuracies": MAPS}, "has 5 maps and accuracies of 4"),
        ({"maps": 0}, "has no maps"),
        ({"critical": 300}, "has critical 300, not a number of 0 to 1"),
        ({"verdict": "perhaps"}, "has verdict 'PERHAPS', not one of PASS, FAIL, UNDECIDED"),
        ({"verdict": "PASS", "against": 3}, "what fault campaign 'C2' at rate 0.01 is compared with is a int"),
        ({"rows": [3]}, "a row of fault campaign 'C2' at rate 0.01 is a int, not a JSON object"),
        ({"accuracy_mean": None}, "has neither accuracy_mean nor rows"),
        ({"curve": [3]}, "a point of the curve of fault campaign 'C2' is a int"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(BadData) as refused:
        campaigns([{**campaign(MAPS, name="C2", rows=[]), **wrong}])
    assert message in str(refused.value)
    assert "inject --json" in str(refused.value)


def test_two_campaigns_of_one_fault_rate_and_place_are_refused() -> None:
    with pytest.raises(BadData, match="two fault campaigns of 'C2' at BER 1e-2, in the whole network: give each"):
        campaigns([campaign(MAPS, name="C2")] * 2)
    layer = campaign(None, name="C2", rows=[row("layer:fc1", MAPS)])
    other = campaign(MAPS, name="C2", fault={"kind": "stuck_at", "ber": 1e-2})
    assert len(campaigns([campaign(MAPS, name="C2"), layer, other])) == 3
