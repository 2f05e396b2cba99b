"""The inputs that a calibrator looks at: there are some, they fit, and they are prepared as the source needs."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.ends import Batch, in_type, is_finite, joined
from spikewright.ann.source import Source
from spikewright.errors import BadData

SLACK = 0.5  # share of the range that an input may lie outside it, for noise and augmentation


def require_inputs(batches: Sequence[Any], source: Source) -> Batch:
    """All inputs as one batch [N, *input_shape], float32; ids as they are.

    Raises:
        BadData: none, of another shape, not finite, whole numbers, or far outside the range that the source's
            preparation gives: they were not normalised.
    """
    found = [in_type(source.inputs_of(batch, "calibration"), torch.float32) for batch in batches]
    if not sum(len(batch) for batch in found):
        raise BadData("calibration needs at least one input, got none: give a data set that is not empty")
    inputs = joined(found)
    if not is_finite(inputs):
        raise BadData("a calibration input holds values that are not finite: mend the data or its preparation")
    if source.preparation is not None and isinstance(inputs, Tensor):
        low, high = source.preparation.value_range
        slack = SLACK * (high - low)
        least, most = float(inputs.min()), float(inputs.max())
        if least < low - slack or most > high + slack:
            raise BadData(
                f"calibration: inputs run from {least:.3g} to {most:.3g}, the source's own from {low:.3g} to "
                f"{high:.3g}: prepare them with the source's mean and std"
            )
    return inputs
