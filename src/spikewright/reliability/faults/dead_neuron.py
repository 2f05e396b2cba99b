"""Dead neurons: they never fire, whatever drives them.

    s[t] = 0 at every step;   in an ordinary network the activation is 0

Source: SpikeFI (Spyrou, Hamdioui & Stratigopoulos 2024), "dead neuron"; RescueSNN (Putra, Hanif & Shafique 2023),
faulty spike generation. Differs: neurons are drawn with a probability each over the whole network, and may be several.
"""

from dataclasses import dataclass
from typing import Literal

from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Patch
from spikewright.reliability.faults._constant_output import constant_patch
from spikewright.reliability.faults._neurons import faulty_neurons, require_rate_or_count
from spikewright.reliability.sites import Sites


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadNeuron:
    """Neurons that never fire; exactly one of the settings is given.

    Attributes:
        rate: probability of each neuron.
        count: so many different neurons, every choice as likely as any other.

    Raises:
        BadSetting: none or both of them, a probability outside [0, 1], or a count below 1.
    """

    rate: float | None = None
    count: int | None = None
    kind: Literal["dead_neuron"] = "dead_neuron"

    def __post_init__(self) -> None:
        require_rate_or_count("dead_neuron", self.rate, self.count)

    @property
    def targets(self) -> str:
        """Neurons of stages."""
        return "stages"

    @property
    def ordinary(self) -> bool:
        """An activation that is 0."""
        return True

    def patch(self, sites: Sites, draw: Draw) -> Patch:
        """The stages with their dead neurons.

        Raises:
            BadSetting: a count of more neurons than there are.
        """
        return constant_patch(faulty_neurons(self.kind, sites, draw, rate=self.rate, count=self.count), sites, 0)
