"""A law whose membranes are disturbed at every step, and the two ways to disturb them.

Steps are counted by how often a neuron may fire, from the state it starts at. Every disturbance is drawn by the key
of the image, the step and the neuron. Knows nothing about how neurons are chosen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.reliability import draw_loops as draws
from spikewright.reliability.faults._words import integers, words
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons import Law

# (potential [N, F], step) → potential
Disturb = Callable[[Tensor, int], Tensor]


class Counted(NamedTuple):
    """A neuron's state, and how many steps it has run."""

    inner: Any
    potential: Tensor
    step: int


@dataclass(frozen=True, slots=True, eq=False)
class DisturbedLaw:
    """A law (`neurons.Law`) with disturbed potentials.

    Attributes:
        inner: the law.
        disturb: what happens to the potentials.
        remembered: whether it happens to what is remembered after firing, else to what firing reads.
    """

    inner: Law
    disturb: Disturb
    remembered: bool

    def init(self, initial: Tensor, like: Tensor) -> Counted:
        """Step 0, not disturbed."""
        return _counted(self.inner.init(initial, like), 0)

    def integrate(self, state: Counted, current: Tensor) -> Counted:
        """Add one step's current."""
        return _counted(self.inner.integrate(state.inner, current), state.step)

    def fire(self, state: Counted, threshold: Tensor) -> tuple[Counted, Tensor]:
        """Emit spikes and reset; disturbed once, before or after it."""
        read = state.inner if self.remembered else self._disturbed(state.inner, state.step)
        left, spikes = self.inner.fire(read, threshold)
        return _counted(self._disturbed(left, state.step) if self.remembered else left, state.step + 1), spikes

    def _disturbed(self, state: Any, step: int) -> Any:
        u = state.potential
        return state._replace(potential=self.disturb(u.reshape(len(u), -1), step).reshape(u.shape))


def _counted(state: Any, step: int) -> Counted:
    return Counted(state, state.potential, step)


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """Gaussian noise on some neurons.

    Attributes:
        keys: of the images, [N].
        places: of the neurons, flat.
        sizes: standard deviation of each, in what potentials are measured in.
    """

    keys: draws.Keys
    places: NDArray[np.int64]
    sizes: Tensor

    def __call__(self, potential: Tensor, step: int) -> Tensor:
        """[N, F] → [N, F]."""
        drawn = torch.from_numpy(draws.normals(self.keys, self.places + step * potential.shape[1])).to(potential)
        return potential.index_add(1, torch.from_numpy(self.places).to(potential.device), drawn * self.sizes)


@dataclass(frozen=True, slots=True, eq=False)
class Flips:
    """Flipped bits of some neurons' words.

    Attributes:
        keys: of the images, [N].
        places: of the neurons, flat.
        steps: how far apart the neighbouring potentials are that a word holds, for each of them.
        ber: probability of each bit.
        format: of the words.
        exact: whether potentials are exactly those that words hold; else they change by what their word changes.
    """

    keys: draws.Keys
    places: NDArray[np.int64]
    steps: Tensor
    ber: float
    format: MembraneFormat
    exact: bool

    def __call__(self, potential: Tensor, step: int) -> Tensor:
        """[N, F] → [N, F]."""
        bits, largest = self.format.bits, self.format.largest
        masks = draws.masks(self.keys, self.places + step * potential.shape[1], bits, self.ber)
        images, which = np.nonzero(masks)
        if not len(images):
            return potential
        device = potential.device
        rows, columns = torch.from_numpy(images).to(device), torch.from_numpy(self.places[which]).to(device)
        potentials, steps = potential[rows, columns], self.steps[torch.from_numpy(which).to(device)]
        before = (potentials / steps).round().clamp(-largest - 1, largest).to(torch.int64).cpu().numpy()
        after = integers(words(before, bits) ^ masks[images, which], bits)
        change = torch.from_numpy(after if self.exact else after - before).to(potentials) * steps
        return potential.index_put((rows, columns), change if self.exact else potentials + change)
