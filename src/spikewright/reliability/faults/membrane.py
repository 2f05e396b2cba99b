"""Disturbed membranes: at every step the potentials of the struck neurons are off by noise, or bits of theirs flip.

    spread    u ← u + spread · θ · z,  z ~ N(0, 1)                  as firing reads it
    ber       u ← u + ((word XOR mask) − word) · step               as firing reads it
              q ← (word XOR mask) · step                            a membrane of k bits: as it is remembered
Words are two's complement. A law that stores its membrane in k bits has words of its own; they are struck between
the steps, after the reset, and may come to hold −2^(k−1), which no quantiser stores: it is kept. Any other membrane is
taken to be held in `bits` bits that reach from −`range` to `range` thresholds, word = round(u / step), beyond them the
nearest end; it changes by what its word changes, so that a network is not also rounded. The range should cover the
potentials there are: Σ w[t] thresholds where firing waits for its window.

A disturbance belongs to (map, image, step, neuron). Steps are those in which a neuron may fire, so a stage that waits
for its window is struck after taking it in, at each firing. A warm-up that is run again meets the same ones again.

Source: SpikingJET (Gogebakan et al. 2024), faulty bits of the membrane potential; SoftSNN (Putra, Hanif & Shafique
2022), soft errors of neurons. Differs: each bit flips with a probability, anew at every step.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.errors import BadSetting
from spikewright.reliability import draw_loops as draws
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Patch, StageFault
from spikewright.reliability.faults._membranes import DisturbedLaw, Flips, Noise
from spikewright.reliability.faults._neurons import faulty_neurons
from spikewright.reliability.faults._parameters import require_spread_or_ber
from spikewright.reliability.faults._stage import Untouched
from spikewright.reliability.sites import Neurons, Sites
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons import Dynamics, Law


@dataclass(frozen=True, slots=True, kw_only=True)
class Membrane:
    """Potentials that are disturbed at every step; exactly one of `spread` and `ber` is given.

    Attributes:
        spread: standard deviation of the noise, in thresholds.
        rate: probability that a neuron is disturbed at all: at every step of every image, then.
        ber: probability of each bit of a disturbed neuron's word, at each step.
        bits: of the word, 2 to 16, where a law has no format of its own.
        range: the largest potential that such a word holds, in thresholds.

    Raises:
        BadSetting: none or both of spread and ber, a spread that is negative or not finite, a probability outside
            [0, 1], bits outside 2..16, or a range that is not above 0 and finite.
    """

    spread: float | None = None
    rate: float = 1.0
    ber: float | None = None
    bits: int = 8
    range: float = 8.0
    kind: Literal["membrane"] = "membrane"

    def __post_init__(self) -> None:
        require_spread_or_ber("membrane", self.spread, self.ber, self.rate)
        if not 0 < self.range < float("inf"):
            raise BadSetting(f"membrane: range is {self.range}: it must be above 0, and finite; it counts thresholds")
        _ = self.format

    @property
    def format(self) -> MembraneFormat:
        """The words of membranes that have no format of their own."""
        return MembraneFormat(bits=self.bits, scale=self.range)

    @property
    def targets(self) -> str:
        """Neurons of stages."""
        return "stages"

    @property
    def ordinary(self) -> bool:
        """There is no membrane to disturb."""
        return False

    def patch(self, sites: Sites, draw: Draw) -> Patch:
        """The stages with their disturbed membranes; `hits` counts neurons, and is 0 where nothing is disturbed."""
        if not (self.spread or self.ber):
            return Patch()
        faulty = faulty_neurons(self.kind, sites, draw, rate=self.rate)
        sites_of = {stage.name: stage for stage in sites.stages}
        stages: dict[str, StageFault] = {
            name: _Membranes(self, sites_of[name], places, draw.key()) for name, places in faulty.items()
        }
        return Patch(stages=stages, hits=sum(len(places) for places in faulty.values()))


@dataclass(frozen=True, slots=True, eq=False)
class _Membranes(Untouched):
    settings: Membrane
    stage: Neurons
    places: NDArray[np.int64]  # flat, of the disturbed neurons
    key: int

    def law(self, law: Law, images: NDArray[np.int64], threshold: Tensor) -> Dynamics:
        keys = draws.image_keys(self.key, images)
        units = threshold.expand(self.stage.shape).flatten()[torch.from_numpy(self.places).to(threshold.device)]
        if self.settings.spread is not None:
            return DisturbedLaw(law, Noise(keys, self.places, self.settings.spread * units), remembered=False)
        assert self.settings.ber is not None
        own = law.membrane
        words = own or self.settings.format
        flips = Flips(keys, self.places, words.step(units), self.settings.ber, words, exact=own is not None)
        return DisturbedLaw(law, flips, remembered=own is not None)
