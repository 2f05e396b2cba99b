"""Top-1 accuracy and agreement; of equal scores the lowest class wins."""

import torch
from torch import Tensor

from spikewright.errors import BadData


def predictions(scores: Tensor) -> Tensor:
    """The class of each row of scores [N, classes], int64 [N]; the lowest index of a tie.

    Raises:
        BadData: scores that are not one row a sample.

    """
    if scores.dim() != 2:
        raise BadData(f"classification needs scores [N, classes], got shape {tuple(scores.shape)}")
    return torch.argmax(scores, 1)  # documented to return the first of several maxima


def correct(scores: Tensor, labels: Tensor) -> int:
    """How many samples have their label [N] as the class of their scores [N, classes]."""
    return int((predictions(scores) == labels).sum())


def top1_share(scores: Tensor, labels: Tensor) -> float:
    """Share of samples, 0..1, whose label [N] is the class of their scores [N, classes]."""
    return correct(scores, labels) / _some(labels)


def agreement_share(left: Tensor, right: Tensor) -> float:
    """Share of samples, 0..1, to which two networks' scores [N, classes] give the same class."""
    return int((predictions(left) == predictions(right)).sum()) / _some(left)


def _some(rows: Tensor) -> int:
    if not len(rows):
        raise BadData("accuracy needs at least one sample, got none: give a data set that is not empty")
    return len(rows)
