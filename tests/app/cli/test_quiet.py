"""`--quiet`, and the other habits of the command line."""

from pathlib import Path

import pytest
from support.trained import run_folder

from app.cli.running import refused, spikewright


def test_a_quiet_verb_prints_nothing_and_writes_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = run_folder(tmp_path / "source", 7, 7), tmp_path / "out"
    assert spikewright(monkeypatch, "convert", source, "--timesteps", 3, "-o", out, "-q") == 0
    assert capsys.readouterr() == ("", "")
    assert (out / "plan.json").is_file()
    assert spikewright(monkeypatch, "convert", source, "--timesteps", 3, "-o", out) == 0
    assert "next: spikewright verify" in capsys.readouterr().out
    assert "no method named 'exakt': did you mean 'exact'?" in refused(
        monkeypatch, capsys, "convert", source, "--method", "exakt", "-o", out, "--quiet"
    )


def test_options_have_the_names_that_people_try(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert spikewright(monkeypatch, "train", "-h") == 0
    said = capsys.readouterr().out
    assert all(name in said for name in ("-o", "--lr", "--optimizer", "--optimiser", "-q", "adamw"))
    assert "did you mean 'bit_flip'?" in refused(monkeypatch, capsys, "inject", "runs/none", "--fault", "bitflip")
    assert "--calibration" in refused(monkeypatch, capsys, "convert", "--calibratoin", "3")
