"""DVS-Gesture as IBM released it, trials of many gestures in one file, and as tonic keeps it, a file a gesture.

IBM's: `trials_to_train.txt` and `trials_to_test.txt` name the recordings; beside each `NAME.aedat` lies
`NAME_labels.csv`, whose lines after the first are class (from 1), start and end in microseconds. A gesture is the
events from its start to before its end. All that the lists name comes to 1,176 and 288 gestures; tonic's copy has
1,077 and 264, one of each class of each trial.

Source: Amir et al., "A low power, fully event-based gesture recognition system", CVPR 2017.
"""

import csv
import io
from pathlib import Path

from spikewright.data.events.takes import Take, Takes, recordings, subfolders
from spikewright.errors import BadFile

CLASSES = (
    "hand clapping",
    "right hand wave",
    "left hand wave",
    "right arm clockwise",
    "right arm counter clockwise",
    "left arm clockwise",
    "left arm counter clockwise",
    "arm roll",
    "air drums",
    "air guitar",
    "other gestures",
)
TRIALS = {"train": "trials_to_train.txt", "test": "trials_to_test.txt"}
TONIC = {"train": "ibmGestureTrain", "test": "ibmGestureTest"}
LABEL_COLUMNS = 3


def by_trials(folder: Path) -> Takes | None:
    """Return the gestures of the recordings that IBM's lists name; None without a list.

    Raises:
        BadFile: a recording or its labels are missing, or a line of labels cannot be read.

    """
    found = {split: folder / name for split, name in TRIALS.items() if (folder / name).is_file()}
    if not found:
        return None
    splits = {split: tuple(take for file in _listed(path) for take in _gestures(file)) for split, path in found.items()}
    return Takes(splits=splits, classes=CLASSES)


def by_gesture(folder: Path) -> Takes | None:
    """Return tonic's copy, `ibmGestureTrain/USER_LIGHT/LABEL.npy` and the same of test; None without them.

    Raises:
        BadData: a user's folder without recordings.
        BadFile: a file's name is no label from 0 to 10.

    """
    found = {split: folder / name for split, name in TONIC.items() if (folder / name).is_dir()}
    if not found:
        return None
    splits = {
        split: tuple(
            Take(file=file, label=_label(file.stem, first=0, where=str(file)))
            for user in subfolders(path)
            for file in recordings(user)
        )
        for split, path in found.items()
    }
    return Takes(splits=splits, classes=CLASSES)


def _listed(trials: Path) -> list[Path]:
    names = [line.strip() for line in _text(trials).splitlines()]
    return [trials.parent / name for name in names if name]


def _gestures(file: Path) -> list[Take]:
    table = file.with_name(f"{file.stem}_labels.csv")
    for needed in (file, table):
        if not needed.is_file():
            raise BadFile(f"{needed}: is missing, though {file.name} is in the list of trials: copy it there")
    try:
        rows = list(csv.reader(io.StringIO(_text(table), newline="")))
    except csv.Error as error:
        raise BadFile(f"{table}: cannot be read ({error}): mend the file") from None
    return [_gesture(file, row, where=f"{table}, line {line}") for line, row in enumerate(rows[1:], 2) if any(row)]


def _gesture(file: Path, row: list[str], *, where: str) -> Take:
    if len(row) != LABEL_COLUMNS or not all(cell.strip().isdecimal() and len(cell) < 19 for cell in row):
        raise BadFile(f"{where}: {','.join(row)!r}: it must be class, start and end in microseconds: mend the file")
    start, end = int(row[1]), int(row[2])
    if end <= start:
        raise BadFile(f"{where}: ends at {end} µs, but starts at {start} µs: mend the file")
    return Take(file=file, label=_label(row[0], first=1, where=where), span=(start, end))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{file}: cannot be read ({error}): it must be text: copy it again") from None


def _label(text: str, *, first: int, where: str) -> int:
    number = int(text) - first if text.strip().isdecimal() and len(text) < 19 else -1
    if not 0 <= number < len(CLASSES):
        last = first + len(CLASSES) - 1
        raise BadFile(f"{where}: {text!r} is no class of gestures: it must be from {first} to {last}: mend the name")
    return number
