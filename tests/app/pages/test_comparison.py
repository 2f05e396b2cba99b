"""The comparison page, read back as a browser reads it: the table's cells and the figures' numbers."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.read_page import Page

from spikewright.app.pages.comparison import ComparisonRow, comparison_page, off_scale, write_comparison
from spikewright.errors import BadData


def row(method: str, steps: int, accuracy: float, joules: float | None = 1e-6, **more: Any) -> ComparisonRow:
    return ComparisonRow(
        method=method,
        **{
            "timesteps": steps,
            "timesteps_mean": float(steps),
            "latency_steps": 20 * steps,
            "accuracy_snn": accuracy,
            "accuracy_source": 0.9311,
            "energy_joules_snn": joules,
            "spikes_per_neuron": 0.17 * steps,
            **more,
        },
    )


ROWS = [
    row("exact", 4, 0.9303, 3.4e-6),
    row("exact", 2, 0.9221, 2.3e-6),
    row("rate", 2, 0.8643, 2.6e-6),
    row("rate", 32, 0.93109, 123e-6),
    row("mixed", 1, 0.9203, 2.9e-6, timesteps=None, timesteps_mean=2.512),
]


def page(rows: Sequence[ComparisonRow] = ROWS, title: str = "ResNet-20 on CIFAR-10", note: str = "") -> Page:
    return Page(comparison_page(rows, title=title, note=note))


def test_every_row_is_in_the_table() -> None:
    found = page().table
    assert found[0] == [
        "Method",
        "T",
        "Accuracy",
        "To source (points)",
        "Mean T",
        "Latency (steps)",
        "Energy per sample (µJ)",
        "Spikes per neuron",
    ]
    assert found[1:] == [
        ["exact", "4", "93.03%", "−0.08", "4", "80", "3.40", "0.680"],
        ["exact", "2", "92.21%", "−0.90", "2", "40", "2.30", "0.340"],
        ["rate", "2", "86.43%", "−6.68", "2", "40", "2.60", "0.340"],
        ["rate", "32", "93.11%", "+0.00", "32", "640", "123", "5.44"],
        ["mixed", "mixed", "92.03%", "−1.08", "2.51", "20", "2.90", "0.170"],
    ]


def test_every_method_is_a_line_with_its_numbers_in_order() -> None:
    found = page()
    assert found.texts["h2"] == ["Accuracy and timesteps", "Accuracy and energy"]
    timesteps, energy = found.lines(0, source=False), found.lines(1, source=False)
    assert list(timesteps) == list(energy) == found.texts["button"] == ["exact", "rate", "mixed"]
    assert (timesteps["exact"]["x"], timesteps["exact"]["y"]) == ([2, 4], [0.9221, 0.9303])
    assert (timesteps["rate"]["x"], timesteps["rate"]["y"]) == ([2, 32], [0.8643, 0.93109])
    assert (timesteps["mixed"]["x"], timesteps["mixed"]["y"]) == ([2.512], [0.9203])
    assert energy["exact"]["x"] == pytest.approx([2.3, 3.4])
    assert energy["rate"]["x"] == pytest.approx([2.6, 123])
    looks = {(line["line"]["color"], line["marker"]["symbol"]) for line in timesteps.values()}
    assert len(looks) == 3
    assert "accuracy 86.43%" in timesteps["rate"]["text"][0]


def test_axes_are_logarithmic_with_units_and_shares_in_percent() -> None:
    layouts = [figure["layout"] for figure in page().figures]
    assert [layout["xaxis"]["type"] for layout in layouts] == ["log", "log"]
    assert [layout["xaxis"]["title"]["text"] for layout in layouts] == [
        "mean timesteps of a stage",
        "energy per sample (µJ)",
    ]
    assert layouts[0]["xaxis"]["ticktext"] == ["2", "4", "8", "16", "32"]
    assert layouts[1]["xaxis"]["ticktext"] == ["2", "5", "10", "20", "50", "100"]
    assert all(layout["yaxis"]["tickformat"].endswith("%") for layout in layouts)


@pytest.mark.parametrize(
    ("joules", "ticks", "unit"),
    [
        ([2.1e-9, 3e-9], ["2", "3"], "nJ"),
        ([1e-6, 5e-3], ["0.001", "0.01", "0.1", "1"], "mJ"),
        ([3.0], ["3"], "J"),
    ],
)
def test_energy_has_a_unit_and_ticks_that_fit(joules: list[float], ticks: list[str], unit: str) -> None:
    axis = page([row("exact", 2, 0.9, one) for one in joules]).figures[1]["layout"]["xaxis"]
    assert (axis["ticktext"], axis["title"]["text"]) == (ticks, f"energy per sample ({unit})")


def test_one_source_is_one_dashed_line_for_all() -> None:
    found = page()
    for figure in (0, 1):
        lines = found.lines(figure, source=True)
        assert list(lines) == ["source"]
        assert lines["source"]["y"] == [0.9311, 0.9311]
        assert lines["source"]["line"]["dash"] == "dash"
        assert found.figures[figure]["layout"]["annotations"][0]["text"] == "source 93.11%"
    assert found.texts["span"] == ["source network"]


def test_sources_that_differ_are_dashed_in_their_methods_colours() -> None:
    found = page([*ROWS, row("own", 2, 0.9, None, accuracy_source=0.95)])
    for figure in (0, 1):
        lines = found.lines(figure, source=True)
        assert {name: line["y"][0] for name, line in lines.items()} == {
            "source of exact": 0.9311,
            "source of rate": 0.9311,
            "source of mixed": 0.9311,
            "source of own": 0.95,
        }
        assert lines["source of rate"]["line"]["color"] == found.lines(figure, source=False)["rate"]["line"]["color"]
    assert found.texts["span"] == ["source network of the same colour"]


def test_what_is_not_known_is_left_out_of_charts_and_marked_in_the_table() -> None:
    silent = row("silent", 2, 0.1, 0.0, accuracy_source=None, spikes_per_neuron=None)
    unknown = row("unknown", 2, 0.9, None, accuracy_source=None)
    found = page([ROWS[0], silent, unknown])
    assert [list(found.lines(figure, source=False)) for figure in (0, 1)] == [["exact", "silent", "unknown"], ["exact"]]
    assert found.table[2] == ["silent", "2", "10.00%", "–", "2", "40", "0.00", "–"]
    assert found.table[3][6] == "–"
    alone = page([unknown])
    assert alone.texts["h2"] == ["Accuracy and timesteps"]
    assert alone.lines(0, source=True) == {}
    assert alone.texts["span"] == []


def test_names_are_text_and_never_markup() -> None:
    name = '</script><b id="x">R&D</b>'
    found = page([row(name, 2, 0.9)], title=name, note="<i>45 nm</i>")
    assert (found.texts["h1"], found.texts["p"], found.texts["button"]) == ([name], ["<i>45 nm</i>"], [name])
    assert found.table[1][0] == name
    line = found.lines(0, source=False)[name]
    assert "&lt;/script&gt;&lt;b id=" in line["text"][0]  # plotly would read tags in it


def test_nothing_is_fetched() -> None:
    assert page().fetched == []


def test_the_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "new" / "comparison.html"
    write_comparison(path, ROWS, title="one")
    before = path.read_bytes()
    write_comparison(path, ROWS, title="one")
    assert path.read_bytes() == before
    with pytest.raises(BadData, match="at least one row"):
        write_comparison(path, [], title="two")
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["comparison.html"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"accuracy_snn": 93.0},
        {"accuracy_source": -0.1},
        {"timesteps_mean": 0.0},
        {"energy_joules_snn": float("nan")},
        {"spikes_per_neuron": -1.0},
        {"latency_steps": -1},
    ],
)
def test_a_figure_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadData, match=f"a row of 'rate' has {next(iter(wrong))}"):
        row("rate", 2, **{"accuracy": 0.9, **wrong})


def test_plotly_is_loaded_only_for_a_page() -> None:
    code = "import sys, spikewright.app.pages.comparison; sys.exit('plotly' in sys.modules or 'jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_row_far_below_does_not_press_the_others_together() -> None:
    good = [
        ComparisonRow(method="a", timesteps=t, timesteps_mean=t, latency_steps=t, accuracy_snn=0.9 + t / 1000)
        for t in range(1, 9)
    ]
    bad = ComparisonRow(method="b", timesteps=1, timesteps_mean=1, latency_steps=1, accuracy_snn=0.1)
    assert off_scale(good) == []
    assert off_scale([*good, bad]) == [bad]
    assert off_scale([*good[:3], bad, bad]) == []
    found = Page(comparison_page([*good, bad], title="t"))
    low, high = found.figures[0]["layout"]["yaxis"]["range"]
    assert 0.85 < low < 0.901 < 0.908 < high <= 1.01
    assert "Below the axis, far from all others: b at T = 1 (10.00%)." in found.texts["p"]
