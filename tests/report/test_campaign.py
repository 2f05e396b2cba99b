"""Campaigns read from JSON: names of strata, order, what rows inherit, and what is refused."""

import json
from typing import Any

import pytest
from campaign_json import IMAGES, campaign, row

from spikewright.errors import BadData
from spikewright.report.campaign import campaigns, under

MAPS = [0.5, 0.6, 0.7, 0.8]


@pytest.mark.parametrize(
    ("name", "part", "short", "layer_and_bit"),
    [
        ("model", "model", "model", None),
        ("layer:fc1", "layer", "fc1", None),
        ("layer:block/1.conv", "layer", "block/1.conv", None),
        ("bit:7", "bit", "bit 7", None),
        ("channel:fc1/3", "channel", "fc1/3", None),
        ("layer:fc1/bit:7", "layer/bit", "fc1, bit 7", ("fc1", 7)),
        ("layer:a/b/bit:0", "layer/bit", "a/b, bit 0", ("a/b", 0)),
    ],
)
def test_names_of_strata(name: str, part: str, short: str, layer_and_bit: tuple[str, int] | None) -> None:
    (found,) = campaigns([campaign(None, scope="layer", rows=[row(name, MAPS)])])
    (stratum,) = found.rows
    assert (stratum.part, stratum.short, stratum.layer_and_bit) == (part, short, layer_and_bit)
    assert found.strata == (() if name == "model" else (stratum,))


def test_figures_are_those_of_the_file() -> None:
    held = campaign(MAPS, name="C2", seed=7, critical=[1, 2, 3, 4], masked=400, level=0.9, layer="fc1", bit=3)
    (found,) = campaigns([json.loads(json.dumps(held))])
    whole = found.whole
    assert whole is not None
    for key in ("accuracy_mean", "accuracy_low", "accuracy_high", "accuracy_worst", "reliability_mean", "maps"):
        assert getattr(whole, key) == held[key]
    assert whole.lost == pytest.approx(0.9 - 0.65)
    assert whole.outcomes == {"masked": 400 / (4 * IMAGES), "critical": 10 / (4 * IMAGES)}
    assert (found.network, found.ber, found.seed, found.level, found.layer, found.bit) == ("C2", 1e-2, 7, 0.9, "fc1", 3)
    assert whole.accuracies == tuple(MAPS)


def test_a_row_takes_golden_accuracy_and_maps_from_its_campaign() -> None:
    bare = {
        key: value for key, value in row("bit:7", MAPS).items() if key not in ("accuracy_golden", "maps", "accuracies")
    }
    (found,) = campaigns([campaign(None, maps=11, scope="bit", rows=[bare])])
    assert found.whole is None
    assert (found.rows[0].accuracy_golden, found.rows[0].maps) == (0.9, 11)


def test_maps_of_the_row_model_are_those_of_the_campaign() -> None:
    held = campaign(MAPS, rows=[row("model", MAPS)])
    del held["accuracies"]
    (found,) = campaigns([held])
    assert found.whole is not None
    assert found.whole.accuracies == tuple(MAPS)
    assert found.strata == ()


def test_curves_are_in_order_and_objects_of_one_name_are_one_network() -> None:
    curve = {"name": "ANN", "curve": [campaign(MAPS, ber=ber) for ber in (1e-1, 1e-3)]}
    found = campaigns(
        [curve, campaign(MAPS, name="C2"), campaign(None, name="ANN", scope="bit", rows=[row("bit:0", MAPS)])]
    )
    assert [(one.network, one.ber, one.scope) for one in found] == [
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


def test_rates_in_words() -> None:
    assert (under(1e-3), under(0.0), under(None)) == ("at BER 1e-3", "at BER 0", "under the listed faults")


def test_verdicts() -> None:
    (found,) = campaigns([campaign(MAPS, verdict="pass")])
    assert found.verdict is not None
    assert (found.verdict.found, found.verdict.difference) == ("PASS", None)
    told = {"verdict": "FAIL", "difference": -0.03, "low": -0.04, "high": -0.02, "margin": 0.01, "against": "runs/a"}
    (found,) = campaigns([campaign(MAPS, verdict=told)])
    assert found.verdict is not None
    assert (found.verdict.low, found.verdict.high, found.verdict.margin, found.verdict.against) == (
        -0.04,
        -0.02,
        0.01,
        "runs/a",
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ber": 1.5}, "has ber 1.5, not a number of 0 to 1"),
        ({"images": 0}, "has no images"),
        ({"accuracy_worst": 50}, "has accuracy_worst 50"),
        ({"accuracy_worst": None}, "has no accuracy_worst"),
        ({"accuracy_low": 0.95}, "has accuracy_low, accuracy_mean, accuracy_high of 0.95"),
        ({"maps": 5}, "has 5 maps and accuracies of 4"),
        ({"maps": 0, "accuracies": []}, "has no maps"),
        ({"critical": [300, 300, 300, 300]}, "has critical 1200, not a number of 0 to 800"),
        ({"verdict": "perhaps"}, "has verdict 'PERHAPS', not one of PASS, FAIL, UNDECIDED"),
        ({"rows": [3]}, "a row of fault campaign 'C2' at BER 0.01 is a int, not a JSON object"),
        ({"accuracy_mean": None}, "has neither accuracy_mean nor rows"),
        ({"curve": [3]}, "a point of the curve of fault campaign 'C2' is a int"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(BadData) as refused:
        campaigns([{**campaign(MAPS, name="C2"), **wrong}])
    assert message in str(refused.value)
    assert "inject --json" in str(refused.value)


def test_two_campaigns_of_one_name_rate_and_scope_are_refused() -> None:
    with pytest.raises(BadData, match="two fault campaigns of 'C2' at BER 1e-2, scope model: give each a name"):
        campaigns([campaign(MAPS, name="C2")] * 2)
