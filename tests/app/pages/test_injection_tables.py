"""Every cell of the tables against the figure that it is of."""

from support.campaign_json import campaign, row

from spikewright.app.pages.campaign import campaigns
from spikewright.app.pages.candidates import candidates, hardening
from spikewright.app.pages.injection_tables import table_of_candidates, table_of_hardening, tables

MAPS = [0.5, 0.6, 0.7, 0.8]  # mean 0.65, standard error 0.0645497: 0.520901 to 0.779099


FIGURES = ("90.00%", "65.00% (52.09 to 77.91)", "25.00", "50.00%", "50.00%", "72.22% (57.88 to 86.57)", "4", "200")


def test_campaigns() -> None:
    layer = campaign(None, name="C3", rows=[row("layer:fc1/bit:7", MAPS)])
    (found,) = tables(campaigns([campaign(MAPS, name="C2"), layer]))
    assert (found.title, found.head, found.note) == (
        "Campaigns",
        ("Network", "BER", "Faults in", "Without faults", "Mean (95% interval)", "Lost (points)", "Worst map",
         "5% quantile", "Reliability (95% interval)", "Maps", "Images"),
        "",
    )  # fmt: skip
    assert found.rows == (
        (0, ("C2", "1e-2", "whole network", *FIGURES)),
        (1, ("C3", "1e-2", "layer fc1, bit 7", *FIGURES)),
    )


def test_kinds_of_fault_have_a_column_where_they_differ() -> None:
    spikes = campaign(MAPS, name="b", ber=None, fault={"kind": "lost_spikes", "rate": 0.1})
    (found,) = tables(campaigns([campaign(MAPS, name="a"), spikes]))
    assert found.head[:4] == ("Network", "Rate", "Fault", "Faults in")
    assert found.rows[1][1][:4] == ("b", "1e-1", "lost spikes", "whole network")


def test_verdicts_have_a_column_where_there_are_any() -> None:
    (found,) = tables(campaigns([campaign(MAPS, name="a", verdict="FAIL"), campaign(MAPS, name="b")]))
    assert found.head[-1] == "Verdict"
    assert [cells[-1] for _, cells in found.rows] == ["FAIL", "–"]


def test_parts_and_outcomes() -> None:
    rows = [row("layer:fc1", MAPS, critical=0.01, due=0, hits_mean=12.34), row("layer:fc2", [0.91, 0.91])]
    whole, parts, outcomes = tables(campaigns([campaign(MAPS, name="a", scope="layer", rows=rows)]))
    assert whole.rows == ((0, ("a", "1e-2", "one layer at a time", *FIGURES)),)
    assert "the mean of the parts" in whole.note
    assert (parts.head[:3], parts.head[-1]) == (("Network", "BER", "Faults in"), "Struck a map")
    assert parts.rows[0][1] == ("a", "1e-2", "layer fc1", *FIGURES[1:7], "12.3")
    assert parts.rows[1][1][2:5] == ("layer fc2", "91.00% (91.00 to 91.00)", "−1.00")
    assert parts.rows[1][1][-1] == "–"
    assert (outcomes.head, outcomes.rows) == (
        ("Network", "BER", "Faults in", "Critical", "DUE"),
        ((0, ("a", "1e-2", "layer fc1", "1.00%", "0.00%")),),
    )


def test_how_it_was_measured() -> None:
    raw = campaign(
        MAPS, name="a", seed=7, precision=0.01, quantisation={"bits": 8, "per_channel": True}, silent=2, campaign="9f"
    )
    _, found = tables(campaigns([raw, campaign(MAPS, name="b")]))
    assert found.head == (
        "Network", "BER", "Faults in", "Seed", "To ± points", "Weights", "Silent without faults", "Campaign"
    )  # fmt: skip
    assert [cells for _, cells in found.rows] == [
        ("a", "1e-2", "whole network", "7", "1", "8 bits, a scale a channel", "2", "9f"),
        ("b", "1e-2", "whole network", "–", "–", "–", "–", "–"),
    ]


def test_what_is_not_known_is_a_dash() -> None:
    raw = campaign(MAPS, rows=[])
    for key in ("low", "high"):
        del raw[f"accuracy_{key}"], raw[f"reliability_{key}"]
    del raw["accuracy_q05"], raw["reliability_mean"]
    (found,) = tables(campaigns([raw]))
    assert found.rows[0][1][4:9] == ("65.00%", "25.00", "50.00%", "–", "–")


def test_levels_that_differ_are_not_named() -> None:
    (found,) = tables(campaigns([campaign(MAPS, name="a", level=0.9), campaign(MAPS, name="b")]))
    assert "Mean (interval)" in found.head
    (found,) = tables(campaigns([campaign(MAPS, level=0.9)]))
    assert "Mean (90% interval)" in found.head


def test_candidates() -> None:
    raw = [
        {"name": "a", "accuracy": 0.9, "energy_joules": 2e-8, "reliability_mean": 0.8, "reliability_low": 0.75,
         "reliability_high": 0.9, "passes": True},
        {"name": "b", "accuracy": 0.5, "passes": False},
        {"name": "c", "accuracy": 0.5, "energy_joules": 3e-8, "reliability_mean": 0.7},
    ]  # fmt: skip
    found = table_of_candidates(candidates(raw))
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
    assert "None passes the gates" in table_of_candidates(candidates(raw[1:2])).note


def test_hardening() -> None:
    raw = {
        "ANN": hardening([
            {"name": "ECC", "accuracy_mean": 0.9, "difference": 0.1, "low": 0.05, "high": 0.12, "extra_bits": 345024}
        ]),
        "C2": hardening([{"name": "clip", "difference": -0.01}]),
    }  # fmt: skip
    found = table_of_hardening(raw)
    assert [cells for _, cells in found.rows] == [
        ("ECC", "ANN", "90.00%", "+10.00", "+5.00 to +12.00", "345,024"),
        ("clip", "C2", "–", "−1.00", "–", "–"),
    ]
