"""Find the recordings of a data set, however its authors or tonic laid them out; and tell event data from images.

A layout is looked for in the folder itself, then in each of its subfolders, so that an unpacked archive may stay in
the folder it came with.
"""

from pathlib import Path

from spikewright.data.events.by_folder import by_class, by_split
from spikewright.data.events.gestures import by_gesture, by_trials
from spikewright.data.events.read import GENERAL, READERS, is_recording
from spikewright.data.events.takes import Takes, subfolders
from spikewright.errors import BadData

# the named data sets: where they are to be had, and how they lie
SOURCES = {
    "dvs_gesture": (
        "IBM's DVS128 Gesture Dataset, or tonic.datasets.DVSGesture",
        "trials_to_train.txt, trials_to_test.txt and the recordings, or tonic's ibmGestureTrain and ibmGestureTest",
    ),
    "cifar10_dvs": (
        "figshare (10.6084/m9.figshare.4724671), or tonic.datasets.CIFAR10DVS",
        "a folder a class, airplane to truck",
    ),
    "nmnist": (
        "garrickorchard.com/datasets/n-mnist, or tonic.datasets.NMNIST",
        "Train/0 to Train/9 and Test/0 to Test/9",
    ),
}
DEEP = 3  # parts of a path SPLIT/CLASS/RECORDING
LAYOUTS = (by_trials, by_gesture, by_split, by_class)
UNREAD = {".dat", ".raw", ".es", ".bag", ".h5", ".hdf5", ".mat"}  # endings of recordings that nothing here reads
OTHER_DATA = {".parquet", ".arrow", ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}


def find_takes(folder: Path, *, where: str) -> Takes:
    """Return all takes below a folder.

    Raises:
        BadData: no known layout, or a folder without recordings.
        BadFile: what a list of recordings names is missing, or a table of labels cannot be read.

    """
    for place in (folder, *subfolders(folder)):
        for layout in LAYOUTS:
            takes = layout(place)
            if takes is not None:
                return takes
    raise BadData(
        f"{where}: no recordings laid out in a way that is known: give train/CLASS/RECORDING and "
        f"test/CLASS/RECORDING, recordings ending in {', '.join(READERS)}"
    )


def has_recordings(names: list[str]) -> bool:
    """Tell by the paths of all its files whether a folder is of recordings, not of images or tables."""
    files = [Path(name) for name in names]
    return any(_as_laid_out(file) for file in files) and not any(file.suffix.lower() in OTHER_DATA for file in files)


def unread_recordings(names: list[str]) -> str:
    """Say in a line that a folder has recordings of other formats and no data that is read; nothing where not."""
    endings = {Path(name).suffix.lower() for name in names}
    found = endings & UNREAD
    if not found or endings & (OTHER_DATA | set(READERS) - set(GENERAL)):
        return ""
    return (
        f"holds files ending in {', '.join(sorted(found))}, which are not read: convert recordings of events to one of "
        f"{', '.join(READERS)}, or give images or parquet files"
    )


def _as_laid_out(file: Path) -> bool:
    """Whether a file is a recording: text and archives are only where they lie in SPLIT/CLASS/."""
    deep = len(file.parts) >= DEEP
    return is_recording(file) and (deep or file.suffix.lower() not in GENERAL)
