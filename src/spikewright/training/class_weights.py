"""What each class weighs in the loss: balanced, so that rare classes count as much as common ones.

    w_k = N / (K' · n_k),  n_k samples of class k, K' classes that have any
Source: King and Zeng 2001, "Logistic Regression in Rare Events Data", as scikit-learn's compute_class_weight has it.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CLASS_WEIGHTS = ("balanced",)


def class_weights(kind: str | None, labels: NDArray[np.int64], *, classes: int) -> Tensor | None:
    """The weights of `labels` (int [N]), float32 [classes]; 0 of a class without a sample. None: all weigh the same."""
    if kind is None:
        return None
    counts = torch.bincount(torch.from_numpy(labels).long(), minlength=classes).double()
    present = counts > 0
    weights = len(labels) / (int(present.sum()) * counts.clamp(min=1))
    return torch.where(present, weights, 0.0).float()
