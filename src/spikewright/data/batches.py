"""Feed a split in prepared batches whose order and augmentation are pure functions of (seed, epoch, batch).

So a training that resumes, even in the middle of an epoch, sees the data it would have seen. Lightning takes
the object as a data loader: it calls `sampler.set_epoch` before each epoch, and keeps `state_dict`.
"""

from collections.abc import Callable, Iterator
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.data.augment import Augment
from spikewright.data.labelled import Labelled
from spikewright.errors import BadSetting

Preparation = Callable[[Tensor], Tensor]  # uint8 [n, *] → float32 [n, *], such as `InputPreparation`


class Batches:
    """Iterate over (x float32 [n, *] prepared, y int64 [n]); twice in an epoch gives the same.

    Samples are images, x [n, C, H, W], or frames of events, x [n, T, 2, H, W]; split, augmentation and preparation
    must be of one kind. With `shuffle` the order changes with `set_epoch`, which Lightning calls by itself. The
    last batch may be smaller, unless `drop_last` (batch norm cannot train on a single row).

    Raises:
        BadSetting: a batch size below one, a negative seed, or no batch left by `drop_last`.

    """

    batch_sampler: None = None  # whoever finds `sampler`, Lightning among them, asks for this as well

    def __init__(
        self,
        split: Labelled,
        *,
        batch_size: int,
        preparation: Preparation,
        shuffle: bool = False,
        seed: int = 0,
        augmentation: Augment | None = None,
        drop_last: bool = False,
    ) -> None:
        if batch_size < 1:
            raise BadSetting(f"batches: batch_size is {batch_size}: it must be 1 or more")
        if seed < 0:
            raise BadSetting(f"batches: seed is {seed}: it must be 0 or more")
        if drop_last and batch_size > len(split):
            raise BadSetting(f"batches: batch_size is {batch_size}, but there are {len(split)} samples: lower it")
        self.split = split
        self.batch_size = batch_size
        self.preparation = preparation
        self.shuffle = shuffle
        self.seed = seed
        self.augmentation = augmentation
        self.drop_last = drop_last
        self._epoch = 0
        self._next = 0
        self._resume: tuple[int, int] | None = None

    def __len__(self) -> int:
        whole, rest = divmod(len(self.split), self.batch_size)
        return whole + (1 if rest and not self.drop_last else 0)

    @property
    def sampler(self) -> Self:
        """The object itself: here Lightning looks for `set_epoch`."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the order and the augmentation of the next iteration."""
        self._epoch = epoch

    def state_dict(self) -> dict[str, int]:
        """Where the iteration stands: the epoch and the batch that comes next."""
        return {"epoch": self._epoch, "batch": self._next}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Let the next iteration go on from `state`, provided that it is over the same epoch."""
        self._epoch = state["epoch"]
        self._resume = (state["epoch"], state["batch"])

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        # a generator: Lightning asks for the iterator before it sets the epoch
        epoch, start = self._epoch, 0
        if self._resume is not None and self._resume[0] == epoch:
            start = self._resume[1]
        self._resume = None
        self._next = start
        order = self._order(epoch)
        for batch in range(start, len(self)):
            rows = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            self._next = batch + 1
            yield self._batch(rows, epoch=epoch, batch=batch)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if not self.shuffle:
            return np.arange(len(self.split))
        return torch.randperm(len(self.split), generator=_generator(self.seed, epoch)).numpy()

    def _batch(self, rows: NDArray[np.int64], *, epoch: int, batch: int) -> tuple[Tensor, Tensor]:
        inputs = torch.from_numpy(self.split.inputs[rows])
        labels = torch.from_numpy(self.split.labels[rows])
        if self.augmentation is not None:
            inputs = self.augmentation(inputs, generator=_generator(self.seed, epoch, batch))
        return self.preparation(inputs), labels


def _generator(*key: int) -> torch.Generator:
    # SeedSequence mixes the numbers: sums of them would let epochs share batches
    state = np.random.SeedSequence(key).generate_state(1, dtype=np.uint64)[0]
    return torch.Generator().manual_seed(int(state) >> 1)  # torch takes signed 64 bits
