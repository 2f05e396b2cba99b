"""Lost spikes: each spike of a stage, on its way to whoever reads it, with the same probability and alone.

    s[t] = 1 → 0 with probability rate, drawn by (map, image, step, neuron)
The neuron has fired and is reset; only its readers miss the spike. What is lost at one rate is lost at every higher
one. Spikes of the input are not struck: they belong to the encoder.

Source: SpikingJET (Gogebakan et al. 2024), faults of the output spike. Differs: transient, with a probability for each
spike, where stuck-at faults hold a line for good (`dead_neuron`).
"""

from dataclasses import dataclass
from typing import Literal

from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Patch
from spikewright.reliability.faults._slots import slots_patch
from spikewright.reliability.faults._words import require_rate
from spikewright.reliability.sites import Sites


@dataclass(frozen=True, slots=True, kw_only=True)
class LostSpikes:
    """Spikes that do not arrive.

    Attributes:
        rate: probability of each spike.

    Raises:
        BadSetting: a probability outside [0, 1].
    """

    rate: float
    kind: Literal["lost_spikes"] = "lost_spikes"

    def __post_init__(self) -> None:
        require_rate("lost_spikes: rate", self.rate)

    @property
    def targets(self) -> str:
        """Neurons of stages."""
        return "stages"

    @property
    def ordinary(self) -> bool:
        """There are no spikes to lose."""
        return False

    def patch(self, sites: Sites, draw: Draw) -> Patch:
        """The stages whose spikes may be lost; `hits` counts their neurons."""
        return slots_patch(sites, draw, rate=self.rate, fired=True)
