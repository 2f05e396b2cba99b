"""Whether the classes of a data set can be learned and tested: two at least, and none that training never shows.

Knows nothing about what the samples are.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spikewright.errors import BadData

LEAST = 2  # classes that a network can tell apart
MOST_NAMED = 5  # classes in a message


def require_several(names: Sequence[str], *, where: str) -> None:
    """Refuse fewer than two classes: whatever a network answers would be right.

    Raises:
        BadData: there are fewer.

    """
    if len(names) < LEAST:
        found = f"one class only, {names[0]!r}" if names else "no class"
        raise BadData(f"{where}: holds {found}: add a folder for each class, as train/CLASS/ and test/CLASS/")


def require_classes_in_train(labels: Mapping[str, NDArray[np.int64]], *, names: Sequence[str], where: str) -> None:
    """Refuse classes of another split that train has no sample of: they cannot be learned.

    Args:
        labels: of each split, int64 [N], from 0.
        names: of the classes, by label.
        where: names the data set in messages.

    Raises:
        BadData: there are some.

    """
    for split, found in labels.items():
        unknown = np.setdiff1d(found, labels["train"])
        if len(unknown):
            raise BadData(
                f"{where}: split 'train' has nothing of {_listed(unknown, names)}, which split '{split}' has: add "
                f"samples to train, or remove them from {split}"
            )


def missing_classes(labels: Mapping[str, NDArray[np.int64]], *, names: Sequence[str]) -> tuple[str, ...]:
    """Say which classes of train other splits lack: their accuracy says nothing of these."""
    return tuple(
        f"split '{split}' has nothing of {_listed(missing, names)}: its accuracy says nothing about that"
        for split, found in labels.items()
        if len(missing := np.setdiff1d(labels["train"], found))
    )


def _listed(labels: NDArray[np.int64], names: Sequence[str]) -> str:
    words = ", ".join(repr(names[label]) for label in labels[:MOST_NAMED].tolist())
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return f"{'class' if len(labels) == 1 else 'classes'} {words}{more}"
