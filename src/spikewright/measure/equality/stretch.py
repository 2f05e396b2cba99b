"""How many times as long as itself a matrix can make a vector, from above: its largest singular value.

    σ² = λ(G) ≤ ‖G⁸‖^(1/8),   G = M Mᵀ or Mᵀ M, the smaller of the two, ‖·‖ over all elements
too large by n^(1/32) at most, without a decomposition. Of matrices wider than `_LARGEST` it is ‖M‖.

Source: Higham, "Accuracy and Stability of Numerical Algorithms", 2002, §6.2.
"""

import torch
from torch import Tensor

_LARGEST = 1024  # rows of G, which is multiplied three times by itself
_SLACK = 1e-6  # for what is rounded here


def largest_stretch(matrix: Tensor) -> Tensor:
    """An upper bound of the spectral norm of each matrix [*, m, n] → [*], float64."""
    matrix = matrix.double()
    size = matrix.square().sum((-2, -1)).sqrt()
    if min(matrix.shape[-2:]) > _LARGEST:
        return size * (1 + _SLACK)
    scaled = matrix / size.clamp(min=2.0**-500)[..., None, None]
    wide = matrix.shape[-2] <= matrix.shape[-1]
    power = scaled @ scaled.mT if wide else scaled.mT @ scaled
    for _ in range(3):
        power = power @ power
    return size * torch.linalg.matrix_norm(power) ** (1 / 16) * (1 + _SLACK)
