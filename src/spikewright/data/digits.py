"""Scikit-learn's digits: 1,797 grey images of 8x8, there without a network or a download.

Its file is read without importing scikit-learn, which takes a second and a half; so the split is drawn here, as
`train_test_split(…, test_size=0.25, random_state=0, stratify=labels)` draws it.

Source: E. Alpaydin & C. Kaynak, "Optical Recognition of Handwritten Digits", UCI (CC BY 4.0),
https://doi.org/10.24432/C50P49; the split: scikit-learn, `StratifiedShuffleSplit`
"""

import gzip
from importlib.util import find_spec
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spikewright.data.dataset import Split
from spikewright.data.decoded import Decoded, measure
from spikewright.errors import BadData, BadSetting

CLASSES = 10
MOST_BYTES = 2**30  # of all images, resized
WHITE = 16  # the largest value of the original
TEST_SHARE = 0.25
SPLIT_SEED = 0  # fixed: the test split must be the same in every run
FILE = "datasets/data/digits.csv.gz"  # in scikit-learn's folder: 64 pixels and the label a line


def read_digits(size: tuple[int, int] | None) -> Decoded:
    """Return train (1,347 images) and test (450), resized to `size` (height, width) if it is given.

    Raises:
        BadData: scikit-learn is not there, or its file is another than it was.
    """
    images, labels = _table(_file())
    if size is not None and size != images.shape[2:]:
        if len(images) * prod(size) > MOST_BYTES:
            raise BadSetting(
                f"data 'digits': {len(images):,} images of {size[0]}x{size[1]} do not fit into memory: give a smaller "
                "--size, they are 8x8"
            )
        images = _resized(images, size)
    train, test = stratified(labels, share=TEST_SHARE, seed=SPLIT_SEED)
    splits = {
        name: Split(images=images[rows], labels=labels[rows]) for name, rows in (("train", train), ("test", test))
    }
    return measure(splits, classes=CLASSES)


def _file() -> Path:
    found = find_spec("sklearn")  # looks for it, and imports nothing
    for folder in () if found is None else found.submodule_search_locations or ():
        if (Path(folder) / FILE).is_file():
            return Path(folder) / FILE
    raise BadData(f"data 'digits': there is no scikit-learn with its {FILE}: pip install scikit-learn")


def _table(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    try:
        with gzip.open(path, "rt") as text:
            table = np.loadtxt(text, delimiter=",")
        images = np.round(table[:, :-1].reshape(-1, 1, 8, 8) * (255 / WHITE)).astype(np.uint8)
    except (OSError, EOFError, ValueError) as error:
        raise BadData(f"data 'digits': {path} cannot be read ({error}): install scikit-learn again") from error
    return images, table[:, -1].astype(np.int64)


def _resized(images: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    from PIL import Image  # noqa: PLC0415 - nothing else about digits needs pictures

    from spikewright.data.decode import Format, pixels  # noqa: PLC0415

    wanted = Format(channels=1, size=size)
    return np.stack([pixels(Image.fromarray(image[0]), wanted) for image in images])


def stratified(labels: NDArray[np.int64], *, share: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of train and of test, `share` of each class in test, in the order that scikit-learn shuffles them into.

    Args:
        labels: [N], from 0, every class at least twice.
        share: of the rows that go to test, rounded up.
        seed: of NumPy's `RandomState`, whose numbers stay the same in all versions.
    """
    random = np.random.RandomState(seed)
    counts = np.bincount(labels)
    by_class = np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1])
    for_test = int(np.ceil(share * len(labels)))
    trains = _apportioned(counts, len(labels) - for_test, random)
    tests = _apportioned(counts - trains, for_test, random)
    train, test = list[NDArray[np.intp]](), list[NDArray[np.intp]]()
    for rows, first, second in zip(by_class, trains, tests, strict=True):
        shuffled = rows[random.permutation(len(rows))]
        train.append(shuffled[:first])
        test.append(shuffled[first : first + second])
    return random.permutation(np.concatenate(train)), random.permutation(np.concatenate(test))


def _apportioned(counts: NDArray[np.int64], total: int, random: np.random.RandomState) -> NDArray[np.int64]:
    """`total` draws over classes in proportion to their counts; the largest remainders first, equal ones by lot."""
    exact = counts / counts.sum() * total
    whole = np.floor(exact)
    left, remainders = int(total - whole.sum()), exact - whole
    for value in np.unique(remainders)[::-1] if left else ():
        (alike,) = np.where(remainders == value)
        chosen = random.choice(alike, size=min(len(alike), left), replace=False)
        whole[chosen] += 1
        left -= len(chosen)
        if not left:
            break
    return whole.astype(np.int64)
