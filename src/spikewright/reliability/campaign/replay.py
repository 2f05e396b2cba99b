"""One fault map run again on its own: what it changed, bit by bit, and what that did to the images.

A map is a pure function of (seed, stratum, number), so nothing but these has to be known of the campaign it was part
of. Weights are listed as they are stored: the tensor, the index in it, the bit, the integer before and after.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from pydantic import TypeAdapter

from spikewright.ann.source import Source
from spikewright.errors import BadSetting, nearest
from spikewright.measure.samples import Prepared
from spikewright.reliability.campaign.identity import identity
from spikewright.reliability.campaign.inject import checked
from spikewright.reliability.campaign.outcomes import Outcome, classes
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.campaign.strata import Stratum
from spikewright.reliability.campaign.work import Payload, Task, patch_of, prepare, work
from spikewright.reliability.faults import Patch
from spikewright.reliability.faults._words import words
from spikewright.reliability.sites import Sites
from spikewright.snn.blueprint import Blueprint


class Flip(NamedTuple):
    """One stored bit that a map changed.

    Attributes:
        layer: its name.
        tensor: the array that holds the weight.
        place: of the weight in that array, an index for each axis.
        bit: its position, 0 the least.
        before: the stored integer.
        after: what it is with all changes of the map.
    """

    layer: str
    tensor: str
    place: tuple[int, ...]
    bit: int
    before: int
    after: int

    def to_json(self) -> dict[str, Any]:
        """As plain data; `place` is called index there."""
        return {
            "layer": self.layer,
            "tensor": self.tensor,
            "index": list(self.place),
            "bit": self.bit,
            "before": self.before,
            "after": self.after,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One map.

    Attributes:
        stratum: the part that was struck.
        number: of the map.
        images: how many passed.
        accuracy_golden: without faults, a share.
        outcome: images by what became of them.
        flips: changed bits of stored weights, in the order of the network.
        stages: layers whose neurons were struck.
        pixels: whether inputs were.
        settings: of the campaign.
        campaign: its identity, as records name it.
    """

    stratum: str
    number: int
    images: int
    accuracy_golden: float
    outcome: Outcome
    flips: tuple[Flip, ...]
    stages: tuple[str, ...]
    pixels: bool
    settings: InjectSettings
    campaign: str

    @property
    def accuracy(self) -> float:
        """Share of images that are right under the map."""
        return self.outcome.right / self.images

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data; of the outcome, counts of images."""
        fault = self.settings.fault
        return {
            "stratum": self.stratum,
            "map": self.number,
            "images": self.images,
            "accuracy_golden": self.accuracy_golden,
            "accuracy": self.accuracy,
            **self.outcome._asdict(),
            "fault": TypeAdapter(type(fault)).dump_python(fault, mode="json"),
            "seed": self.settings.seed,
            "campaign": self.campaign,
            "flips": [flip.to_json() for flip in self.flips],
            "stages": list(self.stages),
            "pixels": self.pixels,
        }


def replay(
    network: Blueprint | Source,
    samples: Prepared,
    settings: InjectSettings,
    number: int,
    *,
    stratum: str | None = None,
) -> Replay:
    """Run map `number` of a part again; the part may be left out where there is one only.

    Raises:
        BadSetting: a number below 0, a part that is not there, or none where there are several.
        BadData, BadModel: as `inject`.
    """
    if number < 0:
        raise BadSetting(f"inject: there is no map {number}: they are numbered from 0 on")
    inputs, labels = checked(network, samples, settings.fault)
    ready = prepare(Payload(network, inputs, labels, settings, 0))
    part = _part(ready.strata, stratum, number)
    _, (outcome,) = work(ready, Task(part.name, (number,)))
    patch = patch_of(part, settings, number)
    with torch.no_grad():
        right = sum(int((classes(golden.scores) == ready.labels[where]).sum()) for golden, where in ready.goldens())
    return Replay(
        stratum=part.name, number=number, images=len(labels), accuracy_golden=right / len(labels), outcome=outcome,
        flips=flips(patch, part.sites, tensors_of(network)), stages=tuple(patch.stages),
        pixels=patch.pixels is not None, settings=settings, campaign=identity(network, samples, settings).name,
    )  # fmt: skip


def _part(strata: Mapping[str, Stratum], name: str | None, number: int) -> Stratum:
    if name is None and len(strata) > 1:
        first = next(iter(strata))
        raise BadSetting(f"inject: map {number} is of which of {len(strata)} parts? give PART#MAP, as {first}#{number}")
    if name is not None and name not in strata:
        raise BadSetting(f"inject: there is no part {name!r} in this campaign: {nearest(name, tuple(strata))}")
    return next(iter(strata.values())) if name is None else strata[name]


def tensors_of(network: Blueprint | Source) -> dict[str, tuple[str, tuple[int, ...]]]:
    """By layer, the name and the shape of the array that holds its stored weights."""
    if isinstance(network, Blueprint):
        names = {node.name: f"{node.name}.weight" for node in network.plan.nodes}
    else:
        names = {node.name: array for node in network.nodes for role, array in node.arrays if role == "weight"}
    return {layer: (name, tuple(network.arrays[name].shape)) for layer, name in names.items() if name in network.arrays}


def flips(patch: Patch, sites: Sites, tensors: Mapping[str, tuple[str, tuple[int, ...]]]) -> tuple[Flip, ...]:
    """Every stored bit that a patch changes, by layer, weight and bit."""
    found: list[Flip] = []
    for memory in sites.memories:
        rewrite = patch.weights.get(memory.name)
        if rewrite is None:
            continue
        tensor, shape = tensors[memory.name]
        before = memory.integers[rewrite.places]
        changed = words(before, memory.bits) ^ words(rewrite.integers, memory.bits)
        for place, old, new, mask in zip(rewrite.places, before, rewrite.integers, changed, strict=True):
            index = tuple(int(each) for each in np.unravel_index(place, shape))
            found += [
                Flip(memory.name, tensor, index, bit, int(old), int(new))
                for bit in range(memory.bits)
                if int(mask) >> bit & 1
            ]
    return tuple(found)
