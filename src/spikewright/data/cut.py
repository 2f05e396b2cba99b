"""Cut a validation split from train: the same share of every class, chosen by a seed, order kept."""

import numpy as np

from spikewright.data.dataset import Split
from spikewright.errors import BadData, BadSetting


def cut_validation(train: Split, *, share: float, seed: int) -> tuple[Split, Split]:
    """Split `train` into (train, validation); the rows depend on the labels, `share` and `seed` alone.

    Raises:
        BadSetting: `share` is not between 0 and 1.
        BadData: there are too few images to give each side one.

    """
    if not 0 < share < 1:
        raise BadSetting(f"validation share is {share}: it must be above 0 and below 1")
    if seed < 0:
        raise BadSetting(f"data seed is {seed}: it must be 0 or more")
    # one draw for all rows; each class then gives its first few in that order
    order = np.random.default_rng(seed).permutation(len(train))
    chosen = np.zeros(len(train), dtype=bool)
    for label in np.unique(train.labels):
        rows = order[train.labels[order] == label]
        chosen[rows[: round(share * len(rows))]] = True
    if not chosen.any():
        chosen[order[0]] = True  # classes so small that each rounds to none
    if chosen.all():
        raise BadData(f"{len(train)} training images are too few to cut {share:.0%} for validation: give more")
    kept = Split(images=train.images[~chosen], labels=train.labels[~chosen])
    return kept, Split(images=train.images[chosen], labels=train.labels[chosen])
