"""Event data as frames, before validation is settled: made from takes, and kept in the cache.

A split's frames go straight into a memory-mapped file: they are larger than memory now and then.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spikewright.data.classes import missing_classes, require_classes_in_train, require_several
from spikewright.data.cut import require_splits
from spikewright.data.decoded import fingerprint
from spikewright.data.events.clock import require_resolved
from spikewright.data.events.dataset import EventSplit
from spikewright.data.events.frames import frames
from spikewright.data.events.notes import Notes
from spikewright.data.events.preparation import Windows
from spikewright.data.events.read import read_recording
from spikewright.data.events.recording import Recording
from spikewright.data.events.recording_settings import AS_THEY_ARE, RecordingSettings
from spikewright.data.events.takes import Take, Takes
from spikewright.data.json_file import read_json
from spikewright.errors import BadData


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFormat:
    """How recordings become frames.

    Attributes:
        timesteps: T, frames a recording.
        by: windows of equal "time" or of equal "count" of events.
        size: (height, width) that the sensor's pixels are summed into; None keeps them.
        recording: what is known of recordings that their files do not say.
    """

    timesteps: int
    by: Windows
    size: tuple[int, int] | None
    recording: RecordingSettings = AS_THEY_ARE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodedEvents:
    """Splits by name, the number of classes, a fingerprint of all frames and labels, and what was noticed."""

    splits: Mapping[str, EventSplit]
    classes: int
    fingerprint: str
    notes: tuple[str, ...] = ()


def decode(takes: Takes, wanted: FrameFormat, folder: Path, *, where: str) -> DecodedEvents:
    """Read all takes and sum them into frames, in one .npy file a split in `folder`.

    Raises:
        BadData: train or test is missing, a split is empty, fewer than two classes, one that train lacks, sensors
            differ, a recording too short for its frames, or what a recording's reader refuses.
        BadFile: a recording cannot be read.
        BadSetting: a size above the sensor's, or a reader that is not installed.

    """
    _require_takes(takes, where=where)
    splits: dict[str, EventSplit] = {}
    reader = _Reader(wanted)
    for name, part in takes.splits.items():
        first = reader.frames(part[0])
        shape = (len(part), *first.shape)
        array = np.lib.format.open_memmap(_frame_file(folder, name), mode="w+", dtype=np.uint8, shape=shape)
        array[0] = first
        for row, take in enumerate(part[1:], 1):
            array[row] = reader.frames(take)
        array.flush()
        splits[name] = EventSplit(frames=np.asarray(array), labels=_labels(part))
    return DecodedEvents(
        splits=splits,
        classes=len(takes.classes),
        fingerprint=fingerprint(splits),
        notes=(*reader.notes.lines, *missing_classes(_all_labels(takes), names=takes.classes)),
    )


def _require_takes(takes: Takes, *, where: str) -> None:
    """Refuse what cannot be learned before a recording is read."""
    require_splits(takes.splits, where=where)
    for name, part in takes.splits.items():
        if not part:
            raise BadData(f"{where}: split '{name}' holds no recordings: add some, as {name}/CLASS/RECORDING")
    require_several(takes.classes, where=where)
    require_classes_in_train(_all_labels(takes), names=takes.classes, where=where)


def _labels(takes: tuple[Take, ...]) -> NDArray[np.int64]:
    return np.array([take.label for take in takes], dtype=np.int64)


def _all_labels(takes: Takes) -> dict[str, NDArray[np.int64]]:
    return {name: _labels(part) for name, part in takes.splits.items()}


def write(folder: Path, decoded: DecodedEvents) -> None:
    """Put all but the frames, which are there, into a folder of the cache."""
    for name, split in decoded.splits.items():
        np.save(folder / f"{name}-labels.npy", split.labels)
    entry = {"splits": list(decoded.splits), "classes": decoded.classes, "fingerprint": decoded.fingerprint}
    entry["notes"] = list(decoded.notes)
    (folder / "entry.json").write_text(json.dumps(entry))


def read(folder: Path) -> DecodedEvents:
    """Return what a folder of the cache holds, frames mapped.

    Raises:
        OSError, ValueError, KeyError, TypeError: the folder is not there, or damaged.

    """
    entry = read_json(folder / "entry.json")
    splits = {
        name: EventSplit(
            frames=np.asarray(np.load(_frame_file(folder, name), mmap_mode="r")),
            labels=np.load(folder / f"{name}-labels.npy"),
        )
        for name in entry["splits"]
    }
    return DecodedEvents(
        splits=splits, classes=entry["classes"], fingerprint=entry["fingerprint"], notes=tuple(entry["notes"])
    )


class _Reader:
    """Frames of one take after another; a file that holds several is read once, sensors must be alike."""

    def __init__(self, wanted: FrameFormat) -> None:
        self.notes = Notes()
        self._wanted = wanted
        self._last: tuple[Path, Recording] | None = None
        self._sensor: tuple[int, int] | None = None

    def frames(self, take: Take) -> np.ndarray:
        recording = self._recording(take.file)
        if take.span is not None:
            recording = recording.cut(*take.span)
        wanted = self._wanted
        if wanted.by == "time":
            require_resolved(recording.t, timesteps=wanted.timesteps, where=recording.where)
        found = frames(recording, timesteps=wanted.timesteps, by=wanted.by, size=wanted.size)
        self.notes.of_frames(found, recording.where)
        return found

    def _recording(self, file: Path) -> Recording:
        if self._last is not None and self._last[0] == file:
            return self._last[1]
        self._last = None  # two long ones need not be held at once
        recording = read_recording(file, how=self._wanted.recording)
        self._sensor = self._sensor or recording.sensor
        if recording.sensor != self._sensor:
            raise BadData(
                f"{file}: the sensor has {recording.sensor} pixels, those before had {self._sensor}: give recordings "
                "of one kind of camera"
            )
        self.notes.of_recording(recording)
        self._last = (file, recording)
        return recording


def _frame_file(folder: Path, split: str) -> Path:
    return folder / f"{split}-frames.npy"
