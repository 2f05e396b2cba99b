"""Spurious spikes: each silent slot of a stage carries a spike with the same probability and alone.

    s[t] = 0 → 1 with probability rate, drawn by (map, image, step, neuron)
The neuron did not fire and is not reset; only its readers receive a spike more. What appears at one rate appears at
every higher one. At the same rate there are more of them than of lost spikes, as most slots are silent.

Source: SpikingJET (Gogebakan et al. 2024), faults of the output spike. Differs: transient, with a probability for each
slot, where stuck-at faults hold a line for good (`saturated_neuron`).
"""

from dataclasses import dataclass
from typing import Literal

from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Patch
from spikewright.reliability.faults._slots import slots_patch
from spikewright.reliability.faults._words import require_rate
from spikewright.reliability.sites import Sites


@dataclass(frozen=True, slots=True, kw_only=True)
class SpuriousSpikes:
    """Spikes that nobody fired.

    Attributes:
        rate: probability of each silent slot (a step of a neuron).

    Raises:
        BadSetting: a probability outside [0, 1].
    """

    rate: float
    kind: Literal["spurious_spikes"] = "spurious_spikes"

    def __post_init__(self) -> None:
        require_rate("spurious_spikes: rate", self.rate)

    @property
    def targets(self) -> str:
        """Neurons of stages."""
        return "stages"

    @property
    def ordinary(self) -> bool:
        """There are no slots for spikes."""
        return False

    def patch(self, sites: Sites, draw: Draw) -> Patch:
        """The stages whose silent slots may fill; `hits` counts their neurons."""
        return slots_patch(sites, draw, rate=self.rate, fired=False)
