"""Settle train, validation and test: a validation split that was found is used, else it is cut from train.

The cut takes the same share of every class, chosen by a seed, and keeps the order. Knows nothing about what the
samples are.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from spikewright.data.labelled import Labelled
from spikewright.errors import BadData, BadSetting

S = TypeVar("S", bound=Labelled)
VALIDATION_NAMES = ("validation", "valid", "val", "dev")


def require_splits(splits: Iterable[str], *, where: str) -> None:
    """Check that train and test are among the splits found.

    Raises:
        BadData: one is not.

    """
    found = list(splits)
    for needed in ("train", "test"):
        if needed not in found:
            raise BadData(
                f"{where}: there is no {needed} split, only {', '.join(found)}: add a folder or files named {needed}"
            )


def three_splits(splits: Mapping[str, S], *, where: str, share: float, seed: int) -> tuple[S, S, S]:
    """Return train, validation and test out of the splits found.

    Raises:
        BadData: train or test is missing, or there is too little to cut from.
        BadSetting: `share` is not between 0 and 1, or the seed is negative.

    """
    require_splits(splits, where=where)
    for name in VALIDATION_NAMES:
        if name in splits:
            return splits["train"], splits[name], splits["test"]
    train, validation = cut_validation(splits["train"], share=share, seed=seed)
    return train, validation, splits["test"]


def cut_validation(train: S, *, share: float, seed: int) -> tuple[S, S]:
    """Split `train` into (train, validation); the rows depend on the labels, `share` and `seed` alone.

    Raises:
        BadSetting: `share` is not between 0 and 1.
        BadData: there are too few samples to give each side one.

    """
    if not 0 < share < 1:
        raise BadSetting(f"validation share is {share}: it must be above 0 and below 1")
    if seed < 0:
        raise BadSetting(f"data seed is {seed}: it must be 0 or more")
    chosen = share_of_each_class(train.labels, share=share, seed=seed)
    if chosen.all():
        raise BadData(f"{len(train)} training samples are too few to cut {share:.0%} for validation: give more")
    return train.take(~chosen), train.take(chosen)


def share_of_each_class(labels: NDArray[np.int64], *, share: float, seed: int) -> NDArray[np.bool_]:
    """Choose rows by `seed`, the rounded `share` of every class and one at least of all; a mask [N]."""
    # one draw for all rows; each class then gives its first few in that order
    order = np.random.default_rng(seed).permutation(len(labels))
    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        chosen[rows[: round(share * len(rows))]] = True
    if not chosen.any():
        chosen[order[0]] = True  # classes so small that each rounds to none
    return chosen
