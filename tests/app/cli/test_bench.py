"""`bench` in a terminal: a line an engine, the figures as JSON, one line for whatever is wrong."""

import json
from pathlib import Path

import pytest
from support.trained import run_folder

from app.cli.running import refused, spikewright
from spikewright.app.cli.bench import _show
from spikewright.app.runs.bench import BenchResult, EngineRow

PROCESSOR = {"machine": "x86_64", "capability": "AVX2", "threads": "1"}


def test_engines_are_shown_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out, figures = run_folder(tmp_path / "run", 7, 7), tmp_path / "out", tmp_path / "figures.json"
    assert spikewright(monkeypatch, "convert", run, "--timesteps", 3, "--weight-bits", 8, "--out", out) == 0
    said = capsys.readouterr().out
    assert "weights of 8 bits, one scale a" in said
    assert "accuracy on validation" in said
    assert f"not exact; next: spikewright evaluate {out}" in said
    arguments = ["bench", out, "--batch", 4, "--rounds", 1, "--threads", 1, "--json", figures]
    assert spikewright(monkeypatch, *arguments) == 0
    said = capsys.readouterr().out
    found = json.loads(figures.read_text())
    for row in found["rows"]:
        assert row["engine"] in said
    assert found["processor"]["threads"] == "1"
    assert "rounded to 8 bits after training" in refused(monkeypatch, capsys, "verify", out)
    assert spikewright(monkeypatch, "evaluate", out, "--engine", "int8", "--images", 50, "--json", figures) == 0
    said = capsys.readouterr().out
    assert "50 images, engine int8 (integers; products: " in said
    assert "weights of 8 bits; had it run in float64: mismatched spike counts: 0 of" in said
    assert json.loads(figures.read_text())["engine"] == "int8"


def test_what_is_wrong_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_folder(tmp_path / "run", 7, 7)
    assert "no plan.json" in refused(monkeypatch, capsys, "bench", run)
    assert "--threads is 0" in refused(monkeypatch, capsys, "bench", run, "--threads", 0)
    assert "not on 'cuda'" in refused(monkeypatch, capsys, "bench", run, "--device", "cuda")
    bits = refused(monkeypatch, capsys, "convert", run, "--weight-bits", 1, "--out", tmp_path / "o")
    assert "--weight-bits is 1, but must be in 2..16" in bits


@pytest.mark.parametrize(("in_round", "busy"), [(2.0, False), (2.15, False), (2.3, True), (1.7, True), (0.5, True)])
def test_a_busy_machine_is_said_where_two_ways_to_compare_differ_by_a_tenth(
    in_round: float, busy: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    row = EngineRow(
        engine="packed", arithmetic="bits", milliseconds=3.0, ratio=2.0, ratio_in_round=in_round, samples_per_second=9
    )
    rows = (row, EngineRow(engine="int8", obstacle="no such operation here"))
    _show(BenchResult(run="r", batch=4, rounds=3, codes=7, processor=PROCESSOR, rows=rows))
    said = " ".join(capsys.readouterr().out.split())
    assert ("the machine was busy" in said) == busy
    assert (f"packed: 2.00× by the medians, {in_round:.2f}× within a round" in said) == busy
    assert "int8: not run: no such operation here" in said
