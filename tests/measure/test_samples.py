"""Images of a split as tensors, in their order."""

import numpy as np
import torch
from support.trained import digits

from spikewright.measure.samples import batches, first, prepared


def test_images_are_prepared_in_order() -> None:
    data = digits()
    found = prepared(data.train, data.preparation, limit=600)
    mean, std = data.preparation.mean[0], data.preparation.std[0]
    wanted = (data.train.images[:600].astype(np.float32) / 255 - mean) / std
    torch.testing.assert_close(found.inputs, torch.from_numpy(wanted))
    assert found.labels.tolist() == data.train.labels[:600].tolist()
    assert len(prepared(data.validation, data.preparation).labels) == len(data.validation)


def test_batches_cover_all_in_order() -> None:
    found = prepared(digits().validation, digits().preparation)
    parts = list(batches(found, size=50))
    assert [len(labels) for _, labels in parts] == [50, 50, 36]
    assert torch.equal(torch.cat([x for x, _ in parts]), found.inputs)
    assert torch.equal(first(found, 7).inputs, found.inputs[:7])
    assert torch.equal(first(found, 7).labels, found.labels[:7])
