from types import SimpleNamespace

import torch

from spikewright.data import Batches, ImageData
from spikewright.training.share import Share


def test_shares_of_all_ranks_make_up_the_batches_of_the_epoch(digits: ImageData) -> None:
    def batches() -> Batches:
        return Batches(digits.train, batch_size=50, preparation=digits.preparation, shuffle=True, drop_last=True)

    whole = batches()
    whole.set_epoch(4)
    expected = list(whole)
    parts = [
        list(Share(batches(), SimpleNamespace(global_rank=rank, world_size=3, current_epoch=4)))  # pyright: ignore
        for rank in range(3)
    ]
    assert len(Share(batches(), SimpleNamespace())) == len(expected)  # pyright: ignore
    for index, (x, y) in enumerate(expected):
        got = [part[index] for part in parts]
        assert sum(len(labels) for _, labels in got) == 50
        for rank, (images, labels) in enumerate(got):
            assert torch.equal(images, x[rank::3])
            assert torch.equal(labels, y[rank::3])
