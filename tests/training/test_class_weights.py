"""Balanced weights against scikit-learn's, and that every class weighs the same."""

import numpy as np
import torch
from sklearn.utils.class_weight import compute_class_weight

from spikewright.training.class_weights import class_weights


def test_weights_are_those_of_scikit_learn() -> None:
    labels = np.repeat([0, 1, 3, 4], [300, 30, 3, 1])
    found = class_weights("balanced", labels, classes=6)
    assert found is not None and class_weights(None, labels, classes=6) is None
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 3, 4]), y=labels)
    torch.testing.assert_close(found[[0, 1, 3, 4]], torch.from_numpy(expected).float())
    assert found[[2, 5]].tolist() == [0.0, 0.0]
    together = found * torch.from_numpy(np.bincount(labels, minlength=6))
    torch.testing.assert_close(together[[0, 1, 3, 4]], torch.full((4,), len(labels) / 4))
