"""A stage's hooks that change nothing, for kinds that need one or two of them."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from spikewright.snn.neurons import Dynamics, Law
from spikewright.snn.schedules import Drive


class Untouched:
    """Every hook of `faults.StageFault`, returning what it is given."""

    __slots__ = ()

    def drive(self, drive: Drive) -> Drive:
        """The same drive."""
        return drive

    def law(self, law: Law, images: NDArray[np.int64], threshold: Tensor) -> Dynamics:  # noqa: ARG002
        """The same law."""
        return law

    def train(self, train: Tensor, images: NDArray[np.int64]) -> Tensor:  # noqa: ARG002
        """The same spikes."""
        return train

    def value(self, value: Tensor, images: NDArray[np.int64], top: float) -> Tensor:  # noqa: ARG002
        """The same activations."""
        return value
