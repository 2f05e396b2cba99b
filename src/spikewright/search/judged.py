"""Labelled images of a split as a network takes them, in memory, and as batches."""

from collections.abc import Iterator

import torch

from spikewright.data.labelled import Labelled
from spikewright.preparation import InputPreparation
from spikewright.samples import Prepared

BATCH = 250


def prepared(split: Labelled, preparation: InputPreparation, *, limit: int | None = None) -> Prepared:
    """The first `limit` images [N, *input_shape] of a split, and their labels; None takes all."""
    images = torch.from_numpy(split.inputs[:limit])
    labels = torch.from_numpy(split.labels[:limit])
    return Prepared(torch.cat([preparation(part) for part in images.split(BATCH)]), labels)


def batches(samples: Prepared, *, size: int = BATCH) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs and labels, so many at a time, in order."""
    yield from zip(samples.inputs.split(size), samples.labels.split(size), strict=True)


def first(samples: Prepared, limit: int) -> Prepared:
    """The first so many of them."""
    return Prepared(samples.inputs[:limit], samples.labels[:limit])
