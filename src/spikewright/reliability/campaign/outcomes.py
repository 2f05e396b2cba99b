"""What a fault map does to the images: how many of each outcome, by comparison with the fault-free network.

    masked    scores identical to the bit             critical  another class than without the fault
    harmful   right without the fault, now wrong      healed    wrong without the fault, now right
    due       a score that is not finite (a detected, unrecoverable error)
What is neither masked nor critical is tolerable: other scores, the same class. A tie goes to the lowest class; scores
that are not finite are no class at all, and never right.

Source: the usual classes of single-event effects (masked, SDC, DUE), with SDC-1 as "critical".
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Outcome(NamedTuple):
    """Images by outcome under one map; `hits` is how many places the map struck."""

    hits: int = 0
    right: int = 0
    masked: int = 0
    critical: int = 0
    harmful: int = 0
    healed: int = 0
    due: int = 0

    def __add__(self, other: "Outcome") -> "Outcome":  # pyright: ignore[reportIncompatibleMethodOverride]
        """Both parts of the images; the hits are those of the one map."""
        summed = (own + more for own, more in zip(self[1:], other[1:], strict=True))
        return Outcome(max(self.hits, other.hits), *summed)


def classes(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """The class of each image [N]; a tie goes to the lowest; -1 where a score is not finite."""
    return np.where(np.isfinite(scores).all(1), scores.argmax(1), -1)


def outcome(
    hits: int,
    golden: NDArray[np.floating],
    faulty: NDArray[np.floating],
    rows: NDArray[np.int64],
    labels: NDArray[np.int64],
) -> Outcome:
    """Compare a map's scores with the fault-free ones.

    Args:
        hits: how many places the map struck.
        golden: fault-free scores, [N, classes].
        faulty: the map's, [R, classes].
        rows: the images that they belong to, [R]; all others came out as they were.
        labels: [N].
    """
    scores = golden.copy()
    scores[rows] = faulty
    before, after = classes(golden), classes(scores)
    same = ((scores == golden) | (np.isnan(scores) & np.isnan(golden))).all(1)
    was, now = before == labels, after == labels
    return Outcome(
        hits=hits,
        right=int(now.sum()),
        masked=int(same.sum()),
        critical=int((after != before).sum()),
        harmful=int((was & ~now).sum()),
        healed=int((now & ~was).sum()),
        due=int((after < 0).sum()),
    )
