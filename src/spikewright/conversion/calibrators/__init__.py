"""Calibrators, one file each: (blueprint, source, batches) → blueprint, with the weights frozen."""

from collections.abc import Sequence
from typing import Any, Protocol

from spikewright.ann.source import Source
from spikewright.data.progress import Progress, silent
from spikewright.snn.blueprint import Blueprint


class Calibrator(Protocol):
    """Mends what conversion left; never changes the blueprint that it is given."""

    def __call__(
        self, blueprint: Blueprint, source: Source, batches: Sequence[Any], *, on_progress: Progress = silent
    ) -> Blueprint:
        """Calibrate on prepared, unlabelled input batches [N, *input_shape]; of several inputs, tuples or dicts.

        Raises:
            BadData: no inputs, or inputs that are not prepared as the source needs.
        """
        ...
