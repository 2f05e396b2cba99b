"""The share of each batch that one of several devices takes: every n-th row, so the whole stays the same.

Knows nothing about what the batches hold.
"""

from collections.abc import Iterator

from lightning.pytorch import Trainer
from torch import Tensor

from spikewright.data.batches import Batches


class Share:
    """Batches of the trainer's current epoch, cut by its rank; with one device they pass through."""

    def __init__(self, batches: Batches, trainer: Trainer) -> None:
        self.batches = batches
        self.trainer = trainer

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        self.batches.set_epoch(self.trainer.current_epoch)
        rank, size = self.trainer.global_rank, self.trainer.world_size
        for x, y in self.batches:
            yield x[rank::size], y[rank::size]
