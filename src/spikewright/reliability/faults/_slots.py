"""Struck slots of spike trains: each step of each neuron of each image with a probability, alone."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.reliability import draw_loops as draws
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Patch, StageFault
from spikewright.reliability.faults._neurons import open_places
from spikewright.reliability.faults._stage import Untouched
from spikewright.reliability.sites import Sites


@dataclass(frozen=True, slots=True, eq=False)
class Slots(Untouched):
    """Slots of a stage's trains, drawn by (key, image, step, neuron).

    Attributes:
        places: flat, of the neurons that may be struck.
        key: of the map and the stage.
        rate: of the slots that can be struck.
        fired: whether those are the ones with a spike, which is lost; else the silent ones, which get one.
    """

    places: NDArray[np.int64]
    key: int
    rate: float
    fired: bool

    def train(self, train: Tensor, images: NDArray[np.int64]) -> Tensor:
        """Spikes [T, N, *features] with the struck slots the other way."""
        rows = train.detach().cpu().reshape(*train.shape[:2], -1)  # a stage may be a single neuron, [T, N]
        spikes = np.array(rows.numpy(), order="C")
        draws.apply_slots(spikes, draws.image_keys(self.key, images), self.places, self.rate, fired=self.fired)
        return torch.from_numpy(spikes).to(train.device).reshape(train.shape)


def slots_patch(sites: Sites, draw: Draw, *, rate: float, fired: bool) -> Patch:
    """The slots of all neurons that may be struck; `hits` counts those neurons, and is 0 at a rate of 0."""
    if rate == 0:
        return Patch()
    open_ones = {stage.name: places for stage in sites.stages if len(places := open_places(stage))}
    stages: dict[str, StageFault] = {name: Slots(places, draw.key(), rate, fired) for name, places in open_ones.items()}
    return Patch(stages=stages, hits=sum(len(places) for places in open_ones.values()))
