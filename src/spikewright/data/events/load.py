"""Find event data by name or folder, and return it as frames in three splits.

A folder is laid out as that of one of the named sets, or as SPLIT/CLASS/RECORDING; recordings are `.aedat`, `.aedat4`,
`.bin` (as of N-MNIST), `.npy` (as of tonic), `.npz` (as of SpikingJelly) or `.txt` (t x y p).
The first reading sums the recordings and is cached; later ones map the frames into memory and open no recording.
"""

from dataclasses import asdict
from pathlib import Path

from spikewright.data.cache import key_of, stored
from spikewright.data.cut import three_splits
from spikewright.data.events.dataset import EventData, EventSplit
from spikewright.data.events.decoded import DecodedEvents, FrameFormat, decode, read, write
from spikewright.data.events.layout import SOURCES, find_takes
from spikewright.data.events.preparation import EventPreparation, Windows, require_windows
from spikewright.data.events.recording_settings import (
    AS_THEY_ARE,
    Polarity,
    RecordingSettings,
    Stray,
    TimeUnit,
)
from spikewright.data.folder import data_root, find_folder, listing
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadData

VERSION = 2  # part of every key: raise it when the same recordings would become other frames, or be refused


def load_events(
    name_or_path: str,
    *,
    timesteps: int,
    by: Windows = "time",
    size: tuple[int, int] | None = None,
    seed: int = 0,
    validation_share: float = 0.1,
    binary: bool = False,
    sensor: tuple[int, int] | None = None,
    time_unit: TimeUnit | None = None,
    stray: Stray = "refuse",
    polarity: Polarity = "0/1",
    root: Path | None = None,
    on_progress: Progress = silent,
) -> EventData:
    """Load event data: `dvs_gesture`, `cifar10_dvs`, `nmnist`, or a folder of recordings.

    Nothing is downloaded: the named sets are looked for in `root`, else in `$SPIKEWRIGHT_DATA`, under their name.
    `timesteps`, `by` and `size` are those of `FrameFormat`, `sensor` to `polarity` of `RecordingSettings`; `binary`
    shows the network one event a pixel and frame at most. Without a validation split, `validation_share` of each class
    of train is cut by `seed`, on which the test split of CIFAR10-DVS does not depend. Frames are uint8 [N, T, 2, H, W],
    with a preparation that makes them float32; what was noticed is in `notes`, and goes to `on_progress`.

    Raises:
        BadData: not found, no known layout, no test split, or recordings or classes that `decode` refuses.
        BadFile: a recording that is cut short or damaged; or the cache cannot be written.
        BadSetting: a setting that cannot be, or a package that the format needs and that is not installed.
    """
    require_windows(timesteps, by)
    recording = RecordingSettings(sensor=sensor, time_unit=time_unit, stray=stray, polarity=polarity)
    wanted = FrameFormat(timesteps=timesteps, by=by, size=size, recording=recording)
    folder = _folder(name_or_path, where=f"data '{name_or_path}'", root=root)
    decoded = _decoded(folder, wanted, where=f"data '{name_or_path}'")
    for line in decoded.notes:
        on_progress("recordings", 0, 0, note=f"data '{name_or_path}': {line}")
    name = name_or_path if name_or_path in SOURCES else str(folder.resolve())
    splits = three_splits(decoded.splits, where=f"data '{name_or_path}'", share=validation_share, seed=seed)
    return _data(decoded, splits, _preparation(splits[0], wanted, binary=binary), name=name)


def _preparation(train: EventSplit, wanted: FrameFormat, *, binary: bool) -> EventPreparation:
    height, width = train.frames.shape[3:]
    return EventPreparation(
        timesteps=wanted.timesteps,
        by=wanted.by,
        size=(height, width),
        binary=binary,
        recording=None if wanted.recording == AS_THEY_ARE else wanted.recording,
    )


def _data(
    decoded: DecodedEvents,
    splits: tuple[EventSplit, EventSplit, EventSplit],
    preparation: EventPreparation,
    *,
    name: str,
) -> EventData:
    train, validation, test = splits
    return EventData(
        name=name,
        classes=decoded.classes,
        train=train,
        validation=validation,
        test=test,
        preparation=preparation,
        fingerprint=decoded.fingerprint,
        notes=decoded.notes,
    )


def _folder(name: str, *, where: str, root: Path | None) -> Path:
    found = find_folder(name, root=root)
    if found is None:
        raise BadData(f"{where}: {_nowhere(name, root=root)}")
    return found


def _decoded(folder: Path, wanted: FrameFormat, *, where: str) -> DecodedEvents:
    """A folder's frames, from the cache if they are there."""
    key = key_of(
        "events", VERSION, str(folder.resolve()), listing(folder),
        wanted.timesteps, wanted.by, wanted.size, asdict(wanted.recording),
    )  # fmt: skip

    def fill(workspace: Path) -> DecodedEvents:
        return decode(find_takes(folder, where=where), wanted, workspace, where=where)

    return stored(key, fill, write=write, read=read)


def _nowhere(name: str, *, root: Path | None) -> str:
    """Say where a data set was looked for, and where it is to be had."""
    if name not in SOURCES:
        return (
            "there is no such folder: give one with train/CLASS/RECORDING and test/CLASS/RECORDING, "
            f"or a name: {', '.join(SOURCES)}"
        )
    base = data_root(root)
    source, layout = SOURCES[name]
    if base is None:
        return f"SPIKEWRIGHT_DATA is not set: set it to the folder that holds {name}/ ({layout}); get it from {source}"
    return f"{base / name} does not exist: get it from {source}, and unpack it there ({layout})"
