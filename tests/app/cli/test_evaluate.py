"""`evaluate` in a terminal: an unrounded network in a rounding engine is not called equal."""

import json
from pathlib import Path

import pytest
from support.trained import run_folder

from app.cli.running import spikewright


def test_the_int8_engine_of_an_unrounded_network_is_not_called_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out, figures = run_folder(tmp_path / "run"), tmp_path / "spiking", tmp_path / "figures.json"
    assert spikewright(monkeypatch, "convert", run, "--out", out, "--timesteps", 3, "--quiet") == 0
    evaluate = ["evaluate", out, "--images", 60, "--codes-images", 60, "--json", figures]
    assert spikewright(monkeypatch, *evaluate, "--engine", "int8") == 0
    said, found = capsys.readouterr().out.splitlines(), json.loads(figures.read_text())
    assert found["mismatched_codes"] == 0 < found["mismatched_codes_engine"]
    headline = next(line for line in said if line.startswith("mismatched codes"))
    assert headline.startswith(f"mismatched codes: {found['mismatched_codes_engine']:,} of {found['codes_total']:,}")
    assert "not equal to the quantised source" in headline
    assert spikewright(monkeypatch, *evaluate) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("in float64: the two networks are equal")
