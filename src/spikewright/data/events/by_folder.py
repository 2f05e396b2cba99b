"""Recordings by folders: SPLIT/CLASS/RECORDING, as N-MNIST and one's own, or CLASS/RECORDING, as CIFAR10-DVS.

CIFAR10-DVS has no split of its own. Here a tenth of each class is the test split, drawn once with `TEST_SEED`, the
same in every run and on every machine: 9,000 and 1,000. Papers differ in this (some take the first hundred of each
class for testing, which is said to give higher figures), so name the split beside an accuracy.
"""

from pathlib import Path

import numpy as np

from spikewright.data.cut import VALIDATION_NAMES, share_of_each_class
from spikewright.data.events.takes import Take, Takes, numbered, recordings, subfolders

SPLITS = ("train", "test", *VALIDATION_NAMES)
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TEST_SHARE = 0.1
TEST_SEED = 0


def by_split(folder: Path) -> Takes | None:
    """Return what lies in train/CLASS, test/CLASS and perhaps validation/CLASS, in any case; None without a split.

    Classes are numbered in the order of their names, `2` before `10`, over all splits.

    Raises:
        BadData: a class folder without recordings.

    """
    found = {path.name.lower(): path for path in subfolders(folder) if path.name.lower() in SPLITS}
    if not found:
        return None
    names = {place.name for split in found.values() for place in subfolders(split)}
    classes = tuple(sorted(names, key=numbered))
    splits = {
        split: tuple(
            Take(file=file, label=classes.index(place.name)) for place in subfolders(path) for file in recordings(place)
        )
        for split, path in found.items()
    }
    return Takes(splits=splits, classes=classes)


def by_class(folder: Path) -> Takes | None:
    """Return what lies in the ten class folders of CIFAR10-DVS, cut into train and test; None without them.

    Raises:
        BadData: a class folder without recordings.

    """
    if not all((folder / name).is_dir() for name in CIFAR10):
        return None
    takes = [Take(file=file, label=label) for label, name in enumerate(CIFAR10) for file in recordings(folder / name)]
    labels = np.array([take.label for take in takes], dtype=np.int64)
    test = share_of_each_class(labels, share=TEST_SHARE, seed=TEST_SEED)
    return Takes(
        splits={
            "train": tuple(take for take, chosen in zip(takes, test, strict=True) if not chosen),
            "test": tuple(take for take, chosen in zip(takes, test, strict=True) if chosen),
        },
        classes=CIFAR10,
    )
