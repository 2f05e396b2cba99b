"""Disturbed leaks: off by a factor a neuron, or held in words whose bits flip.

    spread    leak ← clip(leak · (1 + spread · z), 0, 1)
    ber       leak ← clip(leak + ((word XOR mask) − word) / (2^b − 1), 0, 1),    word = round(leak · (2^b − 1))
The word is unsigned with b bits, from 0 to 1. A struck leak changes by what its word changes, so that a network is not
also rounded. Only leaky neurons have one; the others are refused.

Source: see `_parameters.py`; RescueSNN (Putra, Hanif & Shafique 2023), faulty membrane leak.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.errors import BadSetting
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
from spikewright.snn.neurons import Dynamics, Law
from spikewright.snn.neurons.leaky import Leaky, LeakyMembrane


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Leaks that are not what they should be; exactly one of `spread` and `ber` is given.

    Attributes:
        spread: standard deviation (gaussian) or largest size (uniform) of what the factor differs from 1.
        distribution: of the factor, gaussian or uniform.
        rate: probability that a neuron is disturbed at all.
        ber: probability that a bit of a disturbed neuron's leak flips.
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
    kind: Literal["leak"] = "leak"

    def __post_init__(self) -> None:
        require_spread_or_ber("leak", self.spread, self.ber, self.rate)
        require_bits("leak", self.bits)

    @property
    def targets(self) -> str:
        """Neurons of stages."""
        return "stages"

    @property
    def ordinary(self) -> bool:
        """There is no leak to disturb."""
        return False

    def patch(self, sites: Sites, draw: Draw) -> Patch:
        """The stages with their disturbed leaks.

        Raises:
            BadSetting: a stage whose neurons do not leak, struck or not.
        """
        for stage in sites.stages:
            if stage.law not in {None, "leaky"}:
                raise _without_leak(stage.name, stage.law)
        disturbed, hits = disturbances(self, sites, draw)
        shapes = {stage.name: stage.shape for stage in sites.stages}
        stages: dict[str, StageFault] = {
            name: _Leaks(name, shapes[name], found, self.bits) for name, found in disturbed.items()
        }
        return Patch(stages=stages, hits=hits)


def _without_leak(stage: str, law: str | None) -> BadSetting:
    return BadSetting(
        f"leak: the neurons of stage {stage!r} have law {law!r} and no leak to disturb: choose a layer or a network "
        "of leaky neurons, or another fault"
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Leaks(Untouched):
    stage: str
    shape: tuple[int, ...]
    disturbed: Disturbed
    bits: int

    def law(self, law: Law, images: NDArray[np.int64], threshold: Tensor) -> Dynamics:  # noqa: ARG002
        """The same with other leaks.

        Raises:
            BadSetting: neurons that do not leak.
        """
        if not isinstance(law, Leaky):
            raise _without_leak(self.stage, getattr(law, "kind", type(law).__name__))
        leaks = torch.full((math.prod(self.shape),), law.leak, dtype=torch.float64)
        leaks[torch.from_numpy(self.disturbed.places)] = torch.from_numpy(self._leaks(law.leak))
        return _Leaking(law, leaks.reshape(self.shape))

    def _leaks(self, leak: float) -> NDArray[np.float64]:
        if self.disturbed.factors is not None:
            return np.clip(leak * self.disturbed.factors, 0, 1)
        assert self.disturbed.masks is not None
        largest = (1 << self.bits) - 1
        word = round(leak * largest)
        return np.clip(leak + ((word ^ self.disturbed.masks) - word) / largest, 0, 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Leaking:
    """A leaky law with a leak of its own for each neuron."""

    inner: Leaky
    leaks: Tensor  # float64 [*features]

    def init(self, initial: Tensor, like: Tensor) -> LeakyMembrane:
        return self.inner.init(initial, like)

    def integrate(self, state: Any, current: Tensor) -> LeakyMembrane:
        return self.inner.integrate(state, current, self.leaks.to(current))

    def fire(self, state: Any, threshold: Tensor) -> tuple[LeakyMembrane, Tensor]:
        return self.inner.fire(state, threshold)
