"""Stuck neurons: from a step drawn for each on, the output line keeps the value it had at that step.

    s[t] = s[t₀]  for t > t₀,   t₀ even over the steps, 0 … T − 1 (those of a warm-up too)
The membrane behind the line is not disturbed. The step belongs to the neuron, not to the image. t₀ = T − 1 changes
nothing. An ordinary network has one step, so that nothing can stick.

Source: SpikeFI (Spyrou, Hamdioui & Stratigopoulos 2024), "stuck neuron": an output that is stuck at a given number;
SpikingJET (Gogebakan et al. 2024): stuck-at faults of the output spike. Differs: the value is the neuron's own at the
moment it sticks; stuck at 0 or at 1 from the start are `dead_neuron` and `saturated_neuron`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Patch, StageFault
from spikewright.reliability.faults._neurons import faulty_neurons, require_rate_or_count
from spikewright.reliability.faults._stage import Untouched
from spikewright.reliability.sites import Sites


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckNeuron:
    """Neurons whose output sticks; exactly one of the settings is given.

    Attributes:
        rate: probability of each neuron.
        count: so many different neurons, every choice as likely as any other.

    Raises:
        BadSetting: none or both of them, a probability outside [0, 1], or a count below 1.
    """

    rate: float | None = None
    count: int | None = None
    kind: Literal["stuck_neuron"] = "stuck_neuron"

    def __post_init__(self) -> None:
        require_rate_or_count("stuck_neuron", self.rate, self.count)

    @property
    def targets(self) -> str:
        """Neurons of stages."""
        return "stages"

    @property
    def ordinary(self) -> bool:
        """One step is not enough to stick."""
        return False

    def patch(self, sites: Sites, draw: Draw) -> Patch:
        """The stages with their stuck neurons.

        Raises:
            BadSetting: a count of more neurons than there are.
        """
        faulty = faulty_neurons(self.kind, sites, draw, rate=self.rate, count=self.count)
        stages: dict[str, StageFault] = {
            name: _Stuck(places, draw.uniforms(len(places))) for name, places in faulty.items()
        }
        return Patch(stages=stages, hits=sum(len(places) for places in faulty.values()))


@dataclass(frozen=True, slots=True, eq=False)
class _Stuck(Untouched):
    places: NDArray[np.int64]  # flat, of the neurons
    moments: NDArray[np.float64]  # when each sticks, as a share of the steps

    def train(self, train: Tensor, images: NDArray[np.int64]) -> Tensor:  # noqa: ARG002
        steps = len(train)
        first = torch.from_numpy((self.moments * steps).astype(np.int64)).to(train.device)
        places = torch.from_numpy(self.places).to(train.device)
        flat = train.reshape(*train.shape[:2], -1)
        frozen = torch.minimum(torch.arange(steps, device=train.device).unsqueeze(1), first)  # [T, struck]
        lines = flat[:, :, places]
        stuck = lines.gather(0, frozen.unsqueeze(1).expand_as(lines))
        return flat.index_copy(2, places, stuck).reshape(train.shape)
