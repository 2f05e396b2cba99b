"""What faults change of values: which images differ, and what changed weights add.

By compiled loops where it is worth it: a few numbers are quicker without bringing the compiler in.
Knows nothing about networks.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.reliability.injectable.layout import lanes

_WORTH_COMPILED = 65_536  # numbers; loading Numba's loops takes longer than NumPy takes for fewer


def rows_that_differ(value: Tensor, before: Tensor) -> Tensor:
    """Which of the batch differ, [N]; not finite is other than everything."""
    if value.dim() == 3 and value.numel() >= _WORTH_COMPILED:
        from spikewright.reliability.injectable.deltas import mark_differing  # noqa: PLC0415 - brings Numba

        differs = torch.zeros(value.shape[1], dtype=torch.bool)
        mark_differing(differs.numpy(), lanes(value).flatten(0, 1).numpy(), lanes(before).flatten(0, 1).numpy())
        return differs
    unequal = value != before
    return unequal.any(0) if unequal.dim() == 2 else unequal.flatten(2).any(2).any(0)


def add_changes(
    made: NDArray, read: NDArray, active: NDArray[np.bool_], rows: NDArray, columns: NDArray, deltas: NDArray
) -> None:
    """Add changed weights' part to a product, as `deltas.add_changes` does; a few without compiled loops."""
    if len(rows) * len(read) * read.shape[2] >= _WORTH_COMPILED:
        from spikewright.reliability.injectable.deltas import add_changes as compiled  # noqa: PLC0415 - brings Numba

        compiled(made, read, active, rows, columns, deltas)
        return
    for row, column, delta in zip(rows.tolist(), columns.tolist(), deltas, strict=True):
        made[:, row] += delta * read[:, column]
