"""The drawn figures: every bar and whisker against the result that it is of."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.scripts import FOLDER, loaded

pytest.importorskip("matplotlib")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.container import BarContainer

RATES = (1e-3, 1e-2)


@pytest.fixture(scope="module")
def figures() -> Iterator[ModuleType]:
    plt.switch_backend("svg")
    with loaded("reliability_figures") as module:
        yield module
    plt.close("all")


def figures_of(mean: float, golden: float) -> dict[str, float]:
    found = {"accuracy_mean": mean, "accuracy_low": mean - 0.02, "accuracy_high": mean + 0.01}
    return {**found, **{key.replace("accuracy", "reliability"): value / golden for key, value in found.items()}}


def cell(data: str, topology: str, config: str, golden: float, joules: float) -> dict[str, Any]:
    layers = [{"stratum": f"layer:{k}", **figures_of(golden - 0.1 * k, golden)} for k in range(3)]
    return {
        "data": data, "topology": topology, "config": config, "accuracy_golden": golden, "energy_joules": joules,
        "curve": [{"ber": ber, **figures_of(golden - 5 * ber, golden)} for ber in RATES], "layers": {"rows": layers},
    }  # fmt: skip


CELLS = [
    cell(data, topology, config, 0.9 - 0.01 * index, (20 if config == "ANN" else 2) * 1e-9 * (index + 1))
    for index, (data, topology) in enumerate((d, t) for d in ("mnist", "fashion_mnist") for t in ("top0", "top1"))
    for config in ("ANN", "C2")
]


def of(data: str, config: str) -> list[dict[str, Any]]:
    """By topology, as the axis has them."""
    return [one for one in CELLS if (one["data"], one["config"]) == (data, config)]


def heights(axes: Axes) -> dict[str, list[float]]:
    bars = [each for each in axes.containers if isinstance(each, BarContainer) and len(each)]
    return {str(each.get_label()): [bar.get_height() for bar in each] for each in bars}


def lines(axes: Axes) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Start and end of each short line: whiskers stand up, accuracies without faults lie down."""
    groups = [each for each in axes.collections if isinstance(each, LineCollection)]
    return [tuple(map(tuple, line)) for each in groups for line in each.get_segments()]  # pyright: ignore[reportReturnType]


def whiskers(axes: Axes) -> list[float]:
    """Both ends of each, sorted."""
    return sorted(end for start, stop in lines(axes) if start[0] == stop[0] for end in (start[1], stop[1]))


def test_accuracies_without_faults(figures: ModuleType) -> None:
    drawn = figures.accuracies(CELLS)
    for axes, data in zip(drawn.axes, ("mnist", "fashion_mnist"), strict=True):
        assert heights(axes) == {
            config: pytest.approx([100 * one["accuracy_golden"] for one in of(data, config)])
            for config in ("ANN", "C2")
        }
        assert [text.get_text() for text in axes.get_xticklabels()] == ["TOP0", "TOP1"]
        assert whiskers(axes) == []


def test_faults_in_the_whole_network(figures: ModuleType) -> None:
    drawn = figures.model_wise(CELLS)
    panels = [(ber, data) for ber in range(2) for data in ("mnist", "fashion_mnist")]
    for axes, (ber, data) in zip(drawn.axes, panels, strict=True):
        points = {config: [one["curve"][ber] for one in of(data, config)] for config in ("ANN", "C2")}
        assert heights(axes) == {
            config: pytest.approx([100 * point["accuracy_mean"] for point in those]) for config, those in points.items()
        }
        ends = [
            100 * point[end]
            for those in points.values()
            for point in those
            for end in ("accuracy_low", "accuracy_high")
        ]
        assert whiskers(axes) == pytest.approx(sorted(ends))
        assert ("1e-3", "1e-2")[ber] in axes.get_title(loc="left")
        ticks = [start[1] for start, stop in lines(axes) if start[1] == stop[1]]
        without = [100 * one["accuracy_golden"] for config in ("ANN", "C2") for one in of(data, config)]
        assert sorted(ticks) == pytest.approx(sorted(without))


def test_faults_in_one_layer(figures: ModuleType) -> None:
    drawn = figures.layer_wise(CELLS)
    assert len(drawn.axes) == 2  # of the topologies here, the paper's figure has one
    for axes, data in zip(drawn.axes, ("mnist", "fashion_mnist"), strict=True):
        for config, found in heights(axes).items():
            one = next(one for one in of(data, config) if one["topology"] == "top1")
            assert found == pytest.approx([100 * row["reliability_mean"] for row in one["layers"]["rows"]])
        assert [text.get_text() for text in axes.get_xticklabels()] == ["L1", "L2", "L3"]
        assert len(whiskers(axes)) == 12


def test_three_figures_of_the_chosen(figures: ModuleType) -> None:
    accuracy, reliability, energy = figures.trade_offs(CELLS).axes
    pairs = [(of(data, "ANN")[0], of(data, "C2")[0]) for data in ("mnist", "fashion_mnist")]
    for index, name in enumerate(("ANN", "SNN")):
        own = [pair[index] for pair in pairs]
        assert heights(accuracy)[name] == pytest.approx([100 * one["accuracy_golden"] for one in own])
        assert heights(reliability)[name] == pytest.approx([100 * one["curve"][1]["reliability_mean"] for one in own])
        assert heights(energy)[name] == pytest.approx([1e9 * one["energy_joules"] for one in own])
    assert energy.get_yscale() == "log"
    assert [text.get_text() for text in energy.texts] == ["10.00×\n(23.36)", "10.00×\n(11.05)"]


def test_a_missing_cell_is_a_gap(figures: ModuleType) -> None:
    fewer = [one for one in CELLS if (one["data"], one["topology"], one["config"]) != ("mnist", "top0", "C2")]
    mnist = figures.accuracies(fewer).axes[0]
    (bar,) = (bars for bars in mnist.containers if str(bars.get_label()) == "C2")
    (only,) = bar
    assert only.get_x() > 0.5  # it stands in the second group, not in the first
    unmeasured = [{key: value for key, value in one.items() if key != "energy_joules"} for one in CELLS]
    assert heights(figures.trade_offs(unmeasured).axes[2]) == {}


def flat() -> tuple[dict[str, Any], dict[str, Any]]:
    """The same cells as the two scripts write them: one a rate and scope; energies by config."""
    cells, energies = [], []
    for one in CELLS:
        name = {"data": one["data"], "topology": one["topology"], "config": one["config"].replace("ANN", "ann")}
        cells += [{**name, **point, "accuracy_golden": one["accuracy_golden"]} for point in one["curve"]]
        cells.append({**name, "scope": "layer", "accuracy_golden": one["accuracy_golden"], **one["layers"]})
        if one["config"] != "ANN":
            pair = {"energy_joules_snn": one["energy_joules"], "energy_joules_source": 10 * one["energy_joules"]}
            energies.append({**name, **pair})
    return {"cells": cells}, {"cells": energies}


def test_results_are_gathered_by_network(figures: ModuleType) -> None:
    found = figures.gathered(*flat())
    for one, expected in zip(found, CELLS, strict=True):
        for key in ("data", "topology", "config", "accuracy_golden"):
            assert one[key] == expected[key]
        assert one["energy_joules"] == pytest.approx(expected["energy_joules"], rel=1e-9, abs=0)
        assert one["layers"]["rows"] == expected["layers"]["rows"]
        assert [(point["ber"], point["accuracy_mean"]) for point in one["curve"]] == [
            (point["ber"], point["accuracy_mean"]) for point in expected["curve"]
        ]


def test_files_are_the_same_again(figures: ModuleType, tmp_path: Path) -> None:
    paths = tmp_path / "reliability.json", tmp_path / "topologies.json"
    for path, content in zip(paths, flat(), strict=True):
        path.write_text(json.dumps(content))
    made = figures.draw(*paths)
    assert [one.name for one in made] == [f"reliability_fig{number}.svg" for number in (2, 3, 4, 5)]
    before = [one.read_bytes() for one in made]
    assert [one.read_bytes() for one in figures.draw(*paths)] == before
    assert all(text.startswith(b"<?xml") and b"<script" not in text for text in before)


def test_networks_that_are_committed_have_their_energies(figures: ModuleType) -> None:
    topologies = json.loads((FOLDER / "topologies.json").read_text())
    golden = [{**one, "ber": 1e-2, "accuracy_golden": one["accuracy_snn"]} for one in topologies["cells"]]
    found = figures.gathered({"cells": golden}, topologies)
    assert len(found) == 40
    assert all(one["energy_joules"] > 0 for one in found)
