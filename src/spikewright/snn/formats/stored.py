"""A weight as it is stored: integers, what they are worth, and their format; and what no format takes.

Refused are weights that are no finite real numbers, and a progress outside 0..1.
"""

from typing import Any, NamedTuple

from torch import Tensor

from spikewright.errors import BadModel, BadSetting


class Stored(NamedTuple):
    """Integers of a `WeightFormat`; the weight is integers · scale."""

    format: Any  # one of the formats of this folder
    integers: Tensor  # as the operation lays its weight out
    scale: Tensor  # one number, or one per output channel


def require_finite(weight: Tensor, words: str) -> None:
    """Refuse weights that hold NaN or infinity, or are no real numbers at all.

    Args:
        weight: any shape.
        words: what the weights are to become, for the message ("binary weights").

    Raises:
        BadModel: it names the shape and the first bad place.

    """
    shape = list(weight.shape)
    if not weight.is_floating_point():
        raise BadModel(f"{words} of a tensor {shape} of {weight.dtype}: give floating-point weights")
    finite = weight.isfinite()
    if not bool(finite.all()):
        bad = (~finite).nonzero()
        raise BadModel(
            f"{words} of a tensor {shape}: {len(bad)} of its {weight.numel()} values are not finite (NaN or infinity), "
            f"the first at {bad[0].tolist()}: lower the learning rate, or start from other weights"
        )


def require_progress(progress: float) -> None:
    """Refuse a share of the training outside 0..1.

    Raises:
        BadSetting: as said.

    """
    if not 0 <= progress <= 1:
        raise BadSetting(f"progress is {progress}: give the share of the training that is done, 0 to 1")
