"""Every cell of the tables against the figure that it is of."""

from campaign_json import campaign, row

from spikewright.report.campaign import campaigns
from spikewright.report.candidates import candidates, hardening
from spikewright.report.injection_tables import table_of_candidates, table_of_hardening, tables

MAPS = [0.5, 0.6, 0.7, 0.8]  # mean 0.65, standard error 0.0645497: 0.520901 to 0.779099


def test_campaigns() -> None:
    (found,) = tables(campaigns([campaign(MAPS, name="C2"), campaign(MAPS, name="C3", ber=None, layer="fc1", bit=7)]))
    assert (found.title, found.head) == (
        "Campaigns",
        ("Network", "BER", "Faults in", "Without faults", "Mean (95% interval)", "Lost (points)", "Worst map",
         "5% quantile", "Reliability (95% interval)", "Maps", "Images"),
    )  # fmt: skip
    figures = ("90.00%", "65.00% (52.09 to 77.91)", "25.00", "50.00%", "50.00%", "72.22% (57.88 to 86.57)", "4", "200")
    assert found.rows == (
        (0, ("C2", "1e-2", "whole network", *figures)),
        (1, ("C3", "–", "layer fc1, bit 7", *figures)),
    )


def test_verdicts_have_a_column_where_there_are_any() -> None:
    (found,) = tables(campaigns([campaign(MAPS, name="a", verdict="FAIL"), campaign(MAPS, name="b")]))
    assert found.head[-1] == "Verdict"
    assert [cells[-1] for _, cells in found.rows] == ["FAIL", "–"]


def test_strata_and_outcomes() -> None:
    rows = [row("layer:fc1", MAPS, critical=[8, 0, 0, 0], due=0), row("layer:fc1/bit:7", [0.91, 0.91])]
    strata, outcomes = tables(campaigns([campaign(None, name="a", scope="layer", rows=rows)]))
    assert strata.head[:3] == ("Network", "BER", "Faults in")
    assert strata.rows[0][1][:6] == ("a", "1e-2", "fc1", "65.00% (52.09 to 77.91)", "25.00", "50.00%")
    assert strata.rows[1][1][2:5] == ("fc1, bit 7", "91.00% (91.00 to 91.00)", "−1.00")
    assert (outcomes.head, outcomes.rows) == (
        ("Network", "BER", "Faults in", "Critical", "DUE"),
        ((0, ("a", "1e-2", "fc1", "1.00%", "0.00%")),),
    )


def test_what_is_not_known_is_a_dash() -> None:
    held = campaign(MAPS)
    for key in (
        "accuracy_low",
        "accuracy_high",
        "accuracy_q05",
        "reliability_mean",
        "reliability_low",
        "reliability_high",
    ):
        del held[key]
    (found,) = tables(campaigns([held]))
    assert found.rows[0][1][4:9] == ("65.00%", "25.00", "50.00%", "–", "–")


def test_levels_that_differ_are_not_named() -> None:
    (found,) = tables(campaigns([campaign(MAPS, name="a", level=0.9), campaign(MAPS, name="b")]))
    assert "Mean (interval)" in found.head
    (found,) = tables(campaigns([campaign(MAPS, level=0.9)]))
    assert "Mean (90% interval)" in found.head


def test_candidates() -> None:
    held = [
        {"name": "a", "accuracy": 0.9, "energy_joules": 2e-8, "reliability_mean": 0.8, "reliability_low": 0.75,
         "reliability_high": 0.9, "passes": True},
        {"name": "b", "accuracy": 0.5, "passes": False},
        {"name": "c", "accuracy": 0.5, "energy_joules": 3e-8, "reliability_mean": 0.7},
    ]  # fmt: skip
    found = table_of_candidates(candidates(held))
    assert found.head == (
        "Candidate",
        "Accuracy",
        "Energy per sample (nJ)",
        "Reliability (interval)",
        "Gates",
        "On the front",
    )
    assert [cells for _, cells in found.rows] == [
        ("a", "90.00%", "20.0", "80.00% (75.00 to 90.00)", "passes", "yes"),
        ("b", "50.00%", "–", "–", "refused", ""),
        ("c", "50.00%", "30.0", "70.00%", "–", ""),
    ]
    assert "None passes" not in found.note
    assert "None passes the gates" in table_of_candidates(candidates(held[1:2])).note


def test_hardening() -> None:
    held = {
        "ANN": hardening([
            {"name": "ECC", "accuracy_mean": 0.9, "difference": 0.1, "low": 0.05, "high": 0.12, "extra_bits": 345024}
        ]),
        "C2": hardening([{"name": "clip", "difference": -0.01}]),
    }  # fmt: skip
    found = table_of_hardening(held)
    assert [cells for _, cells in found.rows] == [
        ("ECC", "ANN", "90.00%", "+10.00", "+5.00 to +12.00", "345,024"),
        ("clip", "C2", "–", "−1.00", "–", "–"),
    ]
