"""Scikit-learn's digits: 1,797 grey images of 8x8, there without a network or a download.

Source: E. Alpaydin & C. Kaynak, "Optical Recognition of Handwritten Digits", UCI (CC BY 4.0),
https://doi.org/10.24432/C50P49
"""

from math import prod

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from spikewright.data.dataset import Split
from spikewright.data.decode import Format, pixels
from spikewright.data.decoded import Decoded, measure
from spikewright.errors import BadSetting

CLASSES = 10
MOST_BYTES = 2**30  # of all images, resized
WHITE = 16  # the largest value of the original
TEST_SHARE = 0.25
SPLIT_SEED = 0  # fixed: the test split must be the same in every run


def read_digits(size: tuple[int, int] | None) -> Decoded:
    """Return train (1,347 images) and test (450), resized to `size` (height, width) if it is given."""
    flat, target = load_digits(return_X_y=True)
    images = np.round(np.asarray(flat).reshape(-1, 1, 8, 8) * (255 / WHITE)).astype(np.uint8)
    labels = np.asarray(target).astype(np.int64)
    if size is not None and size != images.shape[2:]:
        if len(images) * prod(size) > MOST_BYTES:
            raise BadSetting(
                f"data 'digits': {len(images):,} images of {size[0]}x{size[1]} do not fit into memory: give a smaller "
                "--size, they are 8x8"
            )
        wanted = Format(channels=1, size=size)
        images = np.stack([pixels(Image.fromarray(image[0]), wanted) for image in images])
    train, test = train_test_split(
        np.arange(len(labels)), test_size=TEST_SHARE, random_state=SPLIT_SEED, stratify=labels
    )
    splits = {
        name: Split(images=images[rows], labels=labels[rows]) for name, rows in (("train", train), ("test", test))
    }
    return measure(splits, classes=CLASSES)
