"""The ending of a name decides who reads it."""

from pathlib import Path

import pytest

from data.events.reading import events_of
from data.events.writing import aedat3_bytes, bin_bytes, some_events, write, write_npy
from spikewright.data.events.read import is_recording, read_recording
from spikewright.data.events.recording_settings import RecordingSettings
from spikewright.errors import BadFile, BadSetting

EVENTS = some_events(9, sensor=(34, 34))


def test_endings_find_their_reader_in_any_case(tmp_path: Path) -> None:
    pytest.importorskip("tonic")
    for file in (
        write(tmp_path / "a.BIN", bin_bytes(EVENTS)),
        write(tmp_path / "a.aedat", aedat3_bytes(EVENTS)),
        write_npy(tmp_path / "a.npy", EVENTS),
    ):
        assert events_of(read_recording(file)) == EVENTS
        assert read_recording(file, how=RecordingSettings(sensor=(100, 90))).sensor == (100, 90)


def test_formats_that_say_it_themselves_take_no_unit(tmp_path: Path) -> None:
    file = write(tmp_path / "a.bin", bin_bytes(EVENTS))
    for how, words in (
        (RecordingSettings(time_unit="s"), "time unit s"),
        (RecordingSettings(polarity="-1/1"), "polarity -1/1"),
    ):
        with pytest.raises(BadSetting, match=rf"a\.bin: {words} is for \.npy, \.npz and \.txt; \.bin says it itself"):
            read_recording(file, how=how)


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"a\.mat: no format of recordings has this ending: give one of \.aedat"):
        read_recording(write(tmp_path / "a.mat", b""))


@pytest.mark.parametrize("name", ["a.bin", "a.aedat", "a.npy"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadFile, match=f"{name}: "):
        read_recording(tmp_path / name)


def test_recordings_are_told_by_their_name() -> None:
    names = ["a.aedat", "a.AEDAT4", "a.bin", "a.npy", "a.npz", "3.txt", "a.png", "._a.bin", "bin", "a.csv"]
    names += ["README.txt", "labels.txt", "about.txt"]
    assert [name for name in names if is_recording(Path(name))] == names[:6]
