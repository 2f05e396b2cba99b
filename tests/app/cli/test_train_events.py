"""Recordings in, a spiking network out, and its figures: event data on the command line."""

import json
from pathlib import Path

import pytest
from data.events.writing import bin_bytes, write

from app.cli.running import refused, spikewright

pytest.importorskip("tonic")
SENSOR = 34


def square(label: int, number: int) -> list[tuple[int, int, int, int]]:
    """A recording whose events lie in the corner of its class, and move."""
    left, top = (label % 2) * 17, (label // 2) * 17
    return [
        (left + (7 * step + number) % 17, top + (5 * step) % 17, 1000 * step, (step + label) % 2) for step in range(60)
    ]


@pytest.fixture
def recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for split, count in (("Train", 40), ("Test", 10)):
        for label in range(4):
            for number in range(count):
                write(tmp_path / "nmnist" / split / str(label) / f"{number:05}.bin", bin_bytes(square(label, number)))
    monkeypatch.setenv("SPIKEWRIGHT_DATA", str(tmp_path))
    return tmp_path


def test_a_quantised_network_of_events(
    recordings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, reported = recordings / "run", recordings / "told.json"
    options = ("--recipe", "paper3", "--timesteps", 3, "--membrane-bits", 2, "--epochs", 6, "--batch-size", 16)
    more = ("--frames-by", "count", "--size", 16, "--augment", "--event-drop", 0.1)
    assert spikewright(monkeypatch, "train", "--model", "cnn", "--data", "nmnist", *options, *more, "--out", out) == 0
    assert spikewright(monkeypatch, "evaluate", out, "--json", reported) == 0
    capsys.readouterr()
    found = json.loads(reported.read_text())
    assert found["accuracy_snn"] > 0.6, "four classes that lie apart"
    assert found["accuracy_source"] is None
    assert found["mismatched_codes"] == 0
    assert found["macs_per_sample"] == 0, "events are spikes"
    assert found["input_spikes_per_sample"] == 60, "every event of a recording, whatever frame it falls in"
    assert found["latency_steps"] == 3
    (taken,) = json.loads((out / "plan.json").read_text())["plan"]["inputs"]
    assert taken["preparation"] == {"timesteps": 3, "by": "count", "size": [16, 16], "binary": False}


def test_events_are_refused_where_there_are_no_timesteps(
    recordings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(monkeypatch, capsys, "train", "--model", "cnn", "--data", "nmnist", "--out", recordings / "run")
    assert "--timesteps" in line
    cut = recordings / "nmnist" / "Train" / "0" / "00000.bin"
    cut.write_bytes(cut.read_bytes()[:-2])
    again = ("train", "--model", "cnn", "--data", "nmnist", "--timesteps", 2, "--out", recordings / "run")
    assert "00000.bin" in refused(monkeypatch, capsys, *again)
    assert not (recordings / "run").exists(), "nothing half-written"
    mean = (*again, "--mean", "0.5,0.5")
    assert "leave them out" in refused(monkeypatch, capsys, *mean)
