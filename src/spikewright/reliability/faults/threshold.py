"""Disturbed firing thresholds: off by a factor a neuron, or held in words whose bits flip.

    spread    θ ← θ · max(1 + spread · z, 1/1000)
    ber       θ ← θ · max(word XOR mask, 1) / 2^(b−1),    word = 2^(b−1)
The word is unsigned fixed point with b bits, its range twice the fault-free threshold, so that this is its top bit
alone. A threshold of 0 is kept at the least step above it, as one that is negative would be: it would fire at every
step without any input, which is what `saturated_neuron` is for, and closed forms over the window divide by it.
Weights, initial potentials and the scale that k-bit membranes are stored in stay those of the fault-free threshold.

Source: see `_parameters.py`.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Patch, StageFault
from spikewright.reliability.faults._parameters import (
    Distribution,
    Disturbed,
    disturbances,
    require_bits,
    require_spread_or_ber,
)
from spikewright.reliability.faults._stage import Untouched
from spikewright.reliability.sites import Sites
from spikewright.snn.neurons import Closing, Dynamics, Law
from spikewright.snn.neurons.leaky import Leaky, LeakyMembrane
from spikewright.snn.schedules import Drive
from spikewright.snn.trains import heaviside

LEAST = 1e-3  # of the fault-free threshold: the least that a factor leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Thresholds that are not what they should be; exactly one of `spread` and `ber` is given.

    Attributes:
        spread: standard deviation (gaussian) or largest size (uniform) of what the factor differs from 1.
        distribution: of the factor, gaussian or uniform.
        rate: probability that a neuron is disturbed at all.
        ber: probability that a bit of a disturbed neuron's threshold flips.
        bits: of the word that holds it, 2 to 32.

    Raises:
        BadSetting: none or both of spread and ber, a spread that is negative or not finite, a probability outside
            [0, 1], or bits outside 2..32.
    """

    spread: float | None = None
    distribution: Distribution = "gaussian"
    rate: float = 1.0
    ber: float | None = None
    bits: int = 8
    kind: Literal["threshold"] = "threshold"

    def __post_init__(self) -> None:
        require_spread_or_ber("threshold", self.spread, self.ber, self.rate)
        require_bits("threshold", self.bits)

    @property
    def targets(self) -> str:
        """Neurons of stages."""
        return "stages"

    @property
    def ordinary(self) -> bool:
        """There is no threshold to disturb."""
        return False

    def patch(self, sites: Sites, draw: Draw) -> Patch:
        """The stages with their disturbed thresholds."""
        disturbed, hits = disturbances(self, sites, draw)
        shapes = {stage.name: stage.shape for stage in sites.stages}
        stages: dict[str, StageFault] = {
            name: _Factors(self._factors(found, shapes[name])) for name, found in disturbed.items()
        }
        return Patch(stages=stages, hits=hits)

    def _factors(self, disturbed: Disturbed, shape: tuple[int, ...]) -> Tensor:
        if disturbed.masks is not None:
            half = 1 << (self.bits - 1)
            factors = np.maximum(half ^ disturbed.masks, 1) / half
        else:
            assert disturbed.factors is not None
            factors = np.maximum(disturbed.factors, LEAST)
        every = torch.ones(math.prod(shape), dtype=torch.float64)
        every[torch.from_numpy(disturbed.places)] = torch.from_numpy(factors)
        return every.reshape(shape)


@dataclass(frozen=True, slots=True, eq=False)
class _Factors(Untouched):
    factors: Tensor  # float64 [*features]

    def drive(self, drive: Drive) -> Drive:
        return drive._replace(threshold=drive.threshold * self.factors.to(drive.threshold))

    def law(self, law: Law, images: NDArray[np.int64], threshold: Tensor) -> Dynamics:  # noqa: ARG002
        if isinstance(law, Closing):
            return law.drifted(self.factors.to(threshold))
        return _StoredAsBefore(law, threshold) if isinstance(law, Leaky) and law.membrane is not None else law


@dataclass(frozen=True, slots=True, eq=False)
class _StoredAsBefore:
    """A leaky law that fires by one threshold and stores its membrane in units of another."""

    inner: Leaky
    unit: Tensor

    def init(self, initial: Tensor, like: Tensor) -> LeakyMembrane:
        return self.inner.init(initial, like)

    def integrate(self, state: Any, current: Tensor) -> LeakyMembrane:
        return self.inner.integrate(state, current)

    def fire(self, state: Any, threshold: Tensor) -> tuple[LeakyMembrane, Tensor]:
        spikes = heaviside(state.potential - threshold)
        return self.inner.settle(self.inner.reset_after(state, spikes, threshold), self.unit), spikes
