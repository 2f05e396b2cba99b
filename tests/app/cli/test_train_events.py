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


@pytest.fixture
def camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same corners on a camera of 40x60, times in seconds, polarities −1 and 1, one event outside each."""
    for split, count in (("train", 40), ("test", 10)):
        for label in range(4):
            for number in range(count):
                rows = [(x, y, t / 1e6, 2 * p - 1) for x, y, t, p in square(label, number)]
                file = tmp_path / "mine" / split / str(label) / f"{number}.txt"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text("".join(f"{t:.6f} {x} {y} {p}\n" for x, y, t, p in [*rows, (60, 0, 0.06, 1)]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


SAID = ("--time-unit", "s", "--sensor", "40x60", "--stray", "drop", "--polarity", "-1/1")


def test_another_camera_is_said_once(
    camera: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, reported = camera / "run", camera / "figures.json"
    train = ("train", "--model", "cnn", "--data", camera / "mine", "--timesteps", 3, "--size", "10x15", "--epochs", 1)
    assert spikewright(monkeypatch, *train, "--out", out, *SAID) == 0
    assert "200 events outside the sensor were dropped, of 200 recordings" in capsys.readouterr().err
    (taken,) = json.loads((out / "plan.json").read_text())["plan"]["inputs"]
    said = {"time_unit": "s", "sensor": [40, 60], "stray": "drop", "polarity": "-1/1"}
    assert taken["preparation"]["recording"] == said
    assert json.loads((out / "plan.json").read_text())["about"]["made_by"]["recording"]["time_unit"] == "s"
    assert spikewright(monkeypatch, "evaluate", out, "--json", reported) == 0
    assert json.loads(reported.read_text())["input_spikes_per_sample"] == 60, "all but the one outside"
    assert "200 events outside the sensor were dropped, of 200 recordings" in capsys.readouterr().err
    # the same again is the same run, another camera is not
    assert spikewright(monkeypatch, *train, "--out", out, *SAID[:2], "--sensor", "50x60", *SAID[4:]) == 2
    assert "recording differ): add --overwrite" in capsys.readouterr().err


def test_what_is_not_known_of_a_camera_is_asked_for(
    camera: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train = ("train", "--model", "cnn", "--data", camera / "mine", "--timesteps", 3, "--out", camera / "run")
    assert "--time-unit" in refused(monkeypatch, capsys, *train)
    assert "--polarity -1/1" in refused(monkeypatch, capsys, *train, *SAID[:2])
    assert "--stray drop" in refused(monkeypatch, capsys, *train, *SAID[:4], *SAID[6:])
    assert "--sensor is 'wide'" in refused(monkeypatch, capsys, *train, "--sensor", "wide")
    assert "choose among s, ms, us, ns" in refused(monkeypatch, capsys, *train, "--time-unit", "hours")
    digits = ("train", "--model", "mlp", "--data", "digits", "--out", camera / "run", "--sensor", "8x8")
    assert "are for recordings of events" in refused(monkeypatch, capsys, *digits)
    assert not (camera / "run").exists(), "nothing half-written"
