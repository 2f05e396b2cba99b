"""SpikingJelly's archives of t, x, y and p, and what is no such archive."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.events.reading import events_of
from data.events.writing import some_events, write
from spikewright.data.events.npz_file import read_npz
from spikewright.data.events.recording_settings import RecordingSettings
from spikewright.errors import BadData, BadFile

EVENTS = some_events(30, sensor=(180, 240))


def save(file: Path, **change: np.ndarray) -> Path:
    x, y, t, p = (np.array(column) for column in zip(*EVENTS, strict=True))
    arrays: dict[str, Any] = {"t": t, "x": x, "y": y, "p": p, **change}
    np.savez(file, **arrays)
    return file


def test_arrays_come_back_as_written(tmp_path: Path) -> None:
    read = read_npz(save(tmp_path / "a.npz"), how=RecordingSettings(sensor=(180, 240)))
    assert events_of(read) == EVENTS
    assert read.sensor == (180, 240)


def test_seconds_are_read_with_their_unit_alone(tmp_path: Path) -> None:
    file = save(tmp_path / "a.npz", t=np.array([event[2] for event in EVENTS]) / 1e6)
    with pytest.raises(BadData, match=r"a\.npz: \d+ of 30 events have times with fractions"):
        read_npz(file, how=RecordingSettings(sensor=(180, 240)))
    assert events_of(read_npz(file, how=RecordingSettings(sensor=(180, 240), time_unit="s"))) == EVENTS


def test_missing_arrays_and_other_files_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "b.npz", x=np.zeros(3), images=np.zeros(3))
    with pytest.raises(BadFile, match=r"b\.npz: has no array p, t, y among x, images: give t, x, y and p"):
        read_npz(tmp_path / "b.npz")
    whole = save(tmp_path / "a.npz").read_bytes()
    for content in (b"", b"no archive", whole[:-5], whole[:200]):
        with pytest.raises(BadFile, match=r"c\.npz: not a whole \.npz file") as caught:
            read_npz(write(tmp_path / "c.npz", content))
        assert "\n" not in str(caught.value)
    np.savez(tmp_path / "o.npz", x=np.array([{}], dtype=object))
    with pytest.raises(BadFile, match=r"not a whole \.npz file"):  # nothing in a file is executed
        read_npz(tmp_path / "o.npz")
    with pytest.raises(BadData, match=r"a\.npz: x, y, t and p hold \[2, 30\] events"):
        read_npz(save(tmp_path / "a.npz", p=np.zeros(2)))
