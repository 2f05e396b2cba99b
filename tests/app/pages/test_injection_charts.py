"""Every height, width and colour of the charts against the figures that they are of, found again by hand."""

import json
from math import log10
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from support.campaign_json import campaign, row

from spikewright.app.pages.campaign import campaigns
from spikewright.app.pages.charts import Chart
from spikewright.app.pages.injection_charts import MOST_BARS, charts
from spikewright.app.pages.palette import LIGHT

MAPS = [0.5, 0.6, 0.7, 0.8]
RATES = (1e-4, 1e-3, 1e-2)


def drawn(*raw: dict[str, Any]) -> dict[str, Chart]:
    return {chart.title: chart for chart in charts(campaigns(raw))}


def traces(chart: Chart, role: str) -> list[dict[str, Any]]:
    content = json.loads(json.dumps(chart.values()["content"]))
    return [trace for trace in content["data"] if trace["meta"]["role"] == role]


def curve(name: str, worse: float = 0.0, **more: Any) -> dict[str, Any]:
    points = [campaign([one - worse - step / 10 for one in MAPS], ber=ber, **more) for step, ber in enumerate(RATES)]
    return {"name": name, "curve": points}


def test_a_curve_has_means_bands_and_golden_accuracies() -> None:
    raw = [curve("ANN"), curve("C<2>", worse=0.1, golden=0.85)]
    chart = drawn(*raw)["Accuracy against bit error rate"]
    means, bands, golden = (traces(chart, role) for role in ("mean", "band", "golden"))
    assert [trace["name"] for trace in means] == ["ANN", "C&lt;2&gt;"]
    for index, one in enumerate(raw):
        points = one["curve"]
        assert means[index]["x"] == list(RATES)
        assert means[index]["y"] == [point["accuracy_mean"] for point in points]
        around = list(zip(bands[index]["x"], bands[index]["y"], strict=True))
        assert around == [(point["ber"], point["accuracy_high"]) for point in points] + [
            (point["ber"], point["accuracy_low"]) for point in reversed(points)
        ]
        assert golden[index]["y"] == [points[0]["accuracy_golden"]] * 2
        assert {trace[index]["line"]["color"] for trace in (means, bands, golden)} == {LIGHT[index]}
        assert {trace[index]["meta"]["series"] for trace in (means, bands, golden)} == {index}
    axis = chart.values()["content"]["layout"]["xaxis"]
    assert (axis["type"], axis["ticktext"]) == ("log", ["1e-4", "1e-3", "1e-2"])
    assert axis["range"][0] < log10(RATES[0])
    assert "95%" in chart.note


def test_a_curve_needs_two_rates_and_a_rate_of_0_has_no_place_on_it() -> None:
    assert list(drawn(campaign(MAPS))) == ["Every fault map"]
    with_zero = {"name": "a", "curve": [campaign(MAPS, ber=ber) for ber in (0.0, 1e-3, 1e-2)]}
    (mean,) = traces(drawn(with_zero)["Accuracy against bit error rate"], "mean")
    assert mean["x"] == [1e-3, 1e-2]


def test_every_map_is_a_dot_of_its_box() -> None:
    raw = [curve("ANN"), curve("C2", worse=0.1)]
    boxes = traces(drawn(*raw)["Every fault map"], "maps")
    for box, one in zip(boxes, raw, strict=True):
        assert box["x"] == ["1e-4"] * 4 + ["1e-3"] * 4 + ["1e-2"] * 4
        assert box["y"] == [accuracy for point in one["curve"] for accuracy in point["rows"][0]["accuracies"]]
        assert box["boxpoints"] == "all"
    many = drawn(campaign([0.5, 0.6] * 150))["Every fault map"]
    assert traces(many, "maps")[0]["boxpoints"] == "outliers"
    assert drawn(campaign(MAPS, rows=[])) == {}


def test_bars_are_what_each_layer_loses_with_its_interval() -> None:
    layers = {"fc1": 0.0, "fc<2>": 0.2}
    raw = [
        campaign(
            None,
            name=name,
            scope="layer",
            rows=[row(f"layer:{key}", [one - by - k for one in MAPS]) for key, by in layers.items()],
        )
        for k, name in ((0.0, "ANN"), (0.05, "C2"))
    ]
    chart = drawn(*raw)["What each layer loses at BER 1e-2"]
    for trace, one in zip(traces(chart, "lost"), raw, strict=True):
        rows = one["rows"]
        assert trace["y"] == ["fc1", "fc&lt;2&gt;"]
        assert trace["x"] == pytest.approx([100 * (0.9 - each["accuracy_mean"]) for each in rows])
        ends = [width + more for width, more in zip(trace["x"], trace["error_x"]["array"], strict=True)]
        assert ends == pytest.approx([100 * (0.9 - each["accuracy_low"]) for each in rows])
        ends = [width - less for width, less in zip(trace["x"], trace["error_x"]["arrayminus"], strict=True)]
        assert ends == pytest.approx([100 * (0.9 - each["accuracy_high"]) for each in rows])
        assert "&lt;2&gt;" in trace["hovertext"][1]
    maps = traces(drawn(*raw)["Every fault map, by layer, at BER 1e-2"], "maps")
    assert maps[0]["x"] == [accuracy for each in raw[0]["rows"] for accuracy in each["accuracies"]]
    assert maps[0]["y"] == ["fc1"] * 4 + ["fc&lt;2&gt;"] * 4


def test_bits_go_down_from_the_sign_bit() -> None:
    raw = campaign(None, scope="bit", rows=[row(f"bit:{bit}", MAPS) for bit in range(12)])
    axis = drawn(raw)["What each bit position loses at BER 1e-2"].values()["content"]["layout"]["yaxis"]
    assert axis["categoryarray"] == [f"bit {bit}" for bit in range(11, -1, -1)]


@given(some.permutations(range(60)))
def test_of_many_strata_those_that_lose_most_are_drawn_in_their_order(order: list[int]) -> None:
    rows = [row(f"channel:fc1/{place}", [0.9 - lost / 100, 0.88 - lost / 100]) for place, lost in enumerate(order)]
    chart = charts(campaigns([campaign(None, scope="channel", rows=rows)]))[0]
    expected = [f"fc1/{place}" for place, lost in enumerate(order) if lost >= 60 - MOST_BARS]
    assert traces(chart, "lost")[0]["y"] == expected
    assert f"{60 - MOST_BARS} more are in the table" in chart.note


def test_the_heat_map_has_each_cell_in_its_place_and_none_where_nothing_was_injected() -> None:
    lost = {("fc1", 0): 0.01, ("fc1", 7): 0.3, ("<b>", 7): -0.02}
    rows = [row(f"layer:{layer}/bit:{bit}", [0.9 - by, 0.9 - by]) for (layer, bit), by in lost.items()]
    (chart,) = drawn(campaign(None, scope="cell", rows=rows)).values()
    assert chart.title == "Points lost by layer and bit position at BER 1e-2"
    (heat,) = traces(chart, "heat")
    assert (heat["x"], heat["y"]) == (["7 (sign)", "0"], ["fc1", "&lt;b&gt;"])
    assert heat["z"][0] == pytest.approx([30, 1])
    assert heat["z"][1] == [pytest.approx(-2), None]
    assert heat["text"] == [["30.0", "1.00"], ["−2.00", ""]]
    assert (heat["zmin"], heat["zmax"]) == (0, pytest.approx(30))


def test_bits_of_one_layer_are_bars() -> None:
    raw = campaign(None, scope="bit", rows=[row(f"layer:fc1/bit:{bit}", MAPS) for bit in range(3)])
    chart = drawn(raw)["What each bit position loses at BER 1e-2"]
    assert traces(chart, "lost")[0]["y"] == ["fc1, bit 0", "fc1, bit 1", "fc1, bit 2"]
    assert chart.values()["content"]["layout"]["yaxis"]["categoryarray"][0] == "fc1, bit 2"


def test_parts_and_other_kinds_of_fault_have_lines_of_their_own() -> None:
    layer = [campaign(None, ber=ber, rows=[row("layer:fc1", MAPS)]) for ber in RATES]
    stuck = {"kind": "stuck_at", "at": 1}
    found = drawn(curve("a"), {"name": "a", "curve": layer}, curve("b", fault=stuck))
    means = traces(found["Accuracy against bit error rate"], "mean")
    assert [(trace["name"], trace["line"]["dash"], trace["meta"]["series"]) for trace in means] == [
        ("a, bit flip", "solid", 0),
        ("a, layer fc1, bit flip", "dot", 0),
        ("b, stuck at (at 1)", "solid", 1),
    ]
    assert means[1]["y"] == [0.65, 0.65, 0.65]


def test_a_heat_map_of_several_networks_says_whose_it_is() -> None:
    cells = [(layer, bit) for layer in ("fc1", "fc2") for bit in (6, 7)]
    rows = [row(f"layer:{layer}/bit:{bit}", [0.9, 0.899]) for layer, bit in cells]
    found = drawn(*(campaign(None, name=name, scope="cell", rows=rows) for name in ("a", "b")))
    assert list(found) == [f"Points lost by layer and bit position of {name} at BER 1e-2" for name in ("a", "b")]
    assert traces(found["Points lost by layer and bit position of a at BER 1e-2"], "heat")[0]["zmax"] == 1


def test_strata_at_several_rates_are_lines() -> None:
    points = [
        campaign(
            None, ber=ber, scope="layer", rows=[row(f"layer:fc{k}", [one - step / 10 for one in MAPS]) for k in (1, 2)]
        )
        for step, ber in enumerate(RATES)
    ]
    found = drawn({"name": "a", "curve": points})
    assert list(found) == [
        "Accuracy against bit error rate, by layer",
        *(f"What each layer loses at BER {text}" for text in ("1e-4", "1e-3", "1e-2")),
    ]
    chart = found["Accuracy against bit error rate, by layer"]
    means = traces(chart, "mean")
    assert [trace["name"] for trace in means] == ["fc1", "fc2"]
    assert means[1]["y"] == [point["rows"][1]["accuracy_mean"] for point in points]
    assert {trace["meta"]["series"] for trace in means} == {None}
    assert len(traces(chart, "golden")) == 1
    assert chart.values()["content"]["layout"]["showlegend"] is True
    wide = {
        "name": "a",
        "curve": [campaign(None, ber=b, scope="bit", rows=[row(f"bit:{k}", MAPS) for k in range(8)]) for b in RATES],
    }
    assert "Accuracy against bit error rate, by bit position" not in drawn(wide)
