"""What one worker of a campaign does: makes a network ready once, then runs maps on it, task by task.

A map's outcome is a pure function of the payload and (stratum, number): workers share nothing, and order means nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.engines.precision import require_exact_sums, require_float32
from spikewright.reliability.campaign.outcomes import Outcome, outcome
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.campaign.strata import Stratum, strata
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Patch
from spikewright.reliability.injectable.ordinary import OrdinaryTarget
from spikewright.reliability.injectable.propagate import Faulty, Golden, run_faulty, run_golden
from spikewright.reliability.injectable.spiking import SpikingTarget
from spikewright.reliability.injectable.stacked import run_stacked
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform

_CACHED = 10_000_000  # numbers, of all layers together


def target_of(network: Blueprint | Source, weights: Uniform) -> SpikingTarget | OrdinaryTarget:
    """A network laid out for injection."""
    return OrdinaryTarget(network, weights) if isinstance(network, Source) else SpikingTarget(network, weights)


class Payload(NamedTuple):
    """What every worker needs."""

    network: Blueprint | Source
    inputs: Tensor
    labels: Tensor
    settings: InjectSettings
    memory: int  # bytes of fault-free values that a process may keep from one task to the next


class Task(NamedTuple):
    """Some maps of one part."""

    stratum: str
    numbers: tuple[int, ...]


class Ready:
    """A network on one worker, ready for maps.

    Raises:
        BadSetting: a worker on which float32 is not float32, or does not hold sums of whole numbers.
    """

    def __init__(self, payload: Payload) -> None:
        require_float32()
        require_exact_sums()
        settings = self.settings = payload.settings
        self.target = target_of(payload.network, settings.format)
        self.strata = {part.name: part for part in strata_of(self.target, payload.inputs, settings)}
        self.labels = payload.labels.numpy()
        self._payload = payload
        self._cache: dict[int, Golden] = {}
        self._left = payload.memory
        self._size = settings.batch_size or _automatic(self.target, payload.inputs)
        if self.target.saturates and settings.fault.targets == "stages":
            self.target = self.target.saturating(_largest(self.goldens()))

    def goldens(self) -> Iterator[tuple[Golden, slice]]:
        """The fault-free run, batch by batch."""
        size = self._size
        for start in range(0, len(self.labels), size):
            part = slice(start, min(start + size, len(self.labels)))
            golden = self._cache.get(start)
            if golden is None:
                golden = run_golden(self.target, self._payload.inputs[part], np.arange(part.start, part.stop))
                needed = _bytes(golden)
                if needed <= self._left:
                    self._left -= needed
                    self._cache[start] = golden
            yield golden, part


def _largest(goldens: Iterable[tuple[Golden, slice]]) -> dict[str, float]:
    """The largest finite magnitude that each piece makes of any image."""
    found: dict[str, float] = {}
    for golden, _ in goldens:
        for name, value in golden.values.items():
            most = float(value.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0).abs().max())
            found[name] = max(found.get(name, 0.0), most)
    return found


def _bytes(golden: Golden) -> int:
    sizes = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for group in (golden.values.values(), (read.values for read in golden.reads.values()), golden.products.values())
        for tensor in group
    }
    return sum(sizes.values())


def _automatic(target: SpikingTarget | OrdinaryTarget, inputs: Tensor) -> int:
    """Images whose values fit a cache: many for small networks, where what a call costs counts."""
    golden = run_golden(target, inputs[:1], np.arange(1))
    return min(max(_CACHED // sum(value.numel() for value in golden.values.values()), 16), 2500)


@torch.no_grad()
def prepare(payload: Payload) -> Ready:
    """What a process makes once."""
    return Ready(payload)


def patch_of(part: Stratum, settings: InjectSettings, number: int) -> Patch:
    """What map `number` of a part changes, as far as the protection leaves it."""
    patch = settings.fault.patch(part.sites, Draw(settings.seed, part.name, number))
    return patch if settings.protection is None else settings.protection(patch, part.sites)


@torch.no_grad()
def work(ready: Ready, task: Task) -> tuple[Task, list[Outcome]]:
    """Run some maps: for each batch of images all of them, as the fault-free run serves them all."""
    settings = ready._payload.settings
    patches = [patch_of(ready.strata[task.stratum], settings, number) for number in task.numbers]
    found = [Outcome(hits=patch.hits) for patch in patches]
    for golden, part in ready.goldens():
        labels = ready.labels[part]
        for index, faulty in enumerate(_faulty(ready, golden, patches)):
            found[index] += outcome(found[index].hits, golden.scores, faulty.scores, faulty.rows, labels)
    return task, found


def _faulty(ready: Ready, golden: Golden, patches: Sequence[Patch]) -> Iterator[Faulty]:
    """What each map makes of the images of a fault-free run."""
    shortcuts = ready.settings.shortcuts
    if shortcuts.stack > 1 and ready.settings.fault.targets == "weights":
        for start in range(0, len(patches), shortcuts.stack):
            yield from run_stacked(ready.target, golden, patches[start : start + shortcuts.stack])
        return
    for patch in patches:
        yield run_faulty(ready.target, golden, patch, shortcuts)


def strata_of(target: SpikingTarget | OrdinaryTarget, inputs: Tensor, settings: InjectSettings) -> list[Stratum]:
    """The parts that a campaign strikes; `inputs` are its images, whose range is that of pixels."""
    owners = {}
    for piece in target.pieces:
        weights = piece.weights
        if weights is not None and weights.memory not in owners:
            whole = weights.op.outputs_first(torch.arange(weights.integers.numel()).reshape(weights.integers.shape))
            owner = np.empty(weights.integers.numel(), np.int64)
            for channel, places in enumerate(whole.flatten(1).numpy()):
                owner[places] = channel
            owners[weights.memory] = (weights.channels, owner)
    low, high = (float(found) for found in inputs.aminmax())
    sites = replace(target.sites(), input_range=((low,), (high,)))
    return strata(
        sites, settings.fault.targets, scope=settings.scope, channels=owners, layer=settings.layer, bit=settings.bit
    )
