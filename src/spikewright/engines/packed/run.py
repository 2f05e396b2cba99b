"""The packed engine: directly trained networks from 1-bit weights and packed spikes, equal to the stepwise engine.

Layer by layer, each through its whole window before the next: only the trains that a later node still reads are held,
one bit a spike. Within a layer, tile by tile: some output positions go through all steps together, so that sums,
currents and membranes exist for one tile at a time, small enough for the cache; membranes as integers, one byte each
up to 8 bits, two above. Step by step would have to hold every layer's membranes, in k bits each, and would read every
weight T times.

Sums are of whole numbers, and each operation after them is rounded on its own in float32, in the stepwise engine's
order. What is not 1-bit (first layer, pools, read-out) runs in PyTorch, a layer at a time, by the same call on the same
batch as there. So spikes and read-out are those of `network.build` in float32, bit for bit, for inputs laid out as
[N, C, H, W] in memory.

Source: Q-SNNs, §4, which has no such engine; XNOR-Net for sums by population count.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from spikewright.ann.source import INPUT
from spikewright.engines.currents import deliver, drive_of, scaled
from spikewright.engines.packed import neurons
from spikewright.engines.packed import sums as kernels
from spikewright.engines.packed.layers import FusedStage, Layer, Loose, Term
from spikewright.engines.packed.values import Grain, Packed, pack
from spikewright.engines.program import Instruction, Program, StageInstruction
from spikewright.engines.threads import spread
from spikewright.snn.nodes import Node

_NEURONS_A_TILE = 65_536  # so that what a tile needs stays in the second cache
_LEAST_TILE, _TILE_UNIT = 32, 16  # positions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PackedProgram:
    """A network ready for this engine; every stored weight is in one of `layers` and `loose`."""

    program: Program  # folded without its integers
    layers: Mapping[str, Layer]
    loose: Mapping[str, Loose]
    stages: Mapping[str, FusedStage]
    grains: Mapping[str, Grain]


class Pending(NamedTuple):
    """What a packed layer makes, not worked out: its readers do so where they want it."""

    layer: Layer
    spikes: Packed


Value = Tensor | Packed | Pending


def run(packed: PackedProgram, x: Tensor) -> Iterator[tuple[Node, Tensor | Packed]]:
    """Run a batch [N, *sample_shape]: each stage with its train, each read-out with its value."""
    program = packed.program
    values: dict[str, Value] = {INPUT: program.plan.encoder(x)}
    for instruction in program.instructions:
        node = instruction.node
        if isinstance(instruction, StageInstruction):
            made = _fire(packed, instruction, values)
            yield node, made
        else:
            made = _deliver(packed, instruction, values)
            if node.name in program.readouts:
                total = dense(made).sum(0)
                total = total if instruction.bias is None else total + instruction.bias
                yield node, scaled(total, program.worth(node.name))
        values[node.name] = made
        del made
        for name in set(node.inputs):
            if program.last_use[name] == node.name:
                del values[name]


def dense(value: Value) -> Tensor:
    """A value as float32 [T, N, *features]."""
    if isinstance(value, Packed):
        return value.dense()
    return _currents_of(value) if isinstance(value, Pending) else value


def _packed(packed: PackedProgram, name: str, values: dict[str, Value]) -> Packed:
    """A value that is of a grain, packed, and kept so."""
    value = values[name]
    if not isinstance(value, Packed):
        value = values[name] = pack(dense(value), packed.grains[name])
    return value


def _deliver(packed: PackedProgram, instruction: Instruction, values: dict[str, Value], *, bare: bool = False) -> Value:
    """What a node's operation delivers; `bare` leaves out the factor on its result."""
    name = instruction.node.name
    if name in packed.layers:
        layer = packed.layers[name]
        return Pending(layer, _packed(packed, layer.source, values))
    weight = packed.loose[name].weight() if name in packed.loose else None
    return deliver(instruction, [dense(values[source]) for source in instruction.node.inputs], weight=weight, bare=bare)


def _fire(packed: PackedProgram, instruction: StageInstruction, values: dict[str, Value]) -> Tensor | Packed:
    node = instruction.stage
    stage = packed.stages.get(node.name)
    if stage is None:
        drive = drive_of(instruction, dense(_deliver(packed, instruction, values)))
        train = node.firing.schedule.run(node.firing.law, drive, node.firing.code)
        return (
            pack(train, packed.grains[node.name]) if node.name in packed.grains and len(node.shape) in (1, 3) else train
        )
    sources = [_source(packed, instruction, term, values) for term in stage.terms]
    samples = next(source.samples for source in sources)
    space = node.shape[1:] or (1, 1)
    timesteps, channels = node.firing.code.timesteps, node.shape[0]
    words = np.empty((1, timesteps, samples, *space, kernels.words_of(channels)), np.uint64)
    rows = words.reshape(timesteps, samples * space[0] * space[1], -1)

    def tiles(spans: list[tuple[int, int]]) -> None:
        work = _Work.of(channels, spans, sources)
        membranes = np.empty((work.positions, channels), stage.membranes)
        fired = np.empty((work.positions, rows.shape[2] * kernels.WORD), np.uint8)
        for first, last in spans:
            membranes.fill(0)
            fired.fill(0)
            for t in range(timesteps):
                for index, source in enumerate(sources):
                    source.put(work, t, first, last, add=index > 0)
                neurons.fire(work.total, stage.bias, stage.neuron, membranes, fired, rows[t], first, last - first)

    _share(rows.shape[1], channels, tiles)
    return Packed(words, node.shape, Grain(1, 1))


def _currents_of(pending: Pending) -> Tensor:
    """A packed layer's currents, float32 [T, N, *features]."""
    layer, spikes = pending
    source = _Sums(layer, spikes, layer.gains)
    timesteps, channels = spikes.words.shape[1], layer.shape[0]
    currents = torch.empty(timesteps, source.samples, *layer.shape)
    written = currents.view(timesteps, source.samples, channels, -1).numpy()

    def tiles(spans: list[tuple[int, int]]) -> None:
        work = _Work.of(channels, spans, [source])
        for first, last in spans:
            for t in range(timesteps):
                source.put(work, t, first, last, add=False)
                neurons.take_currents(written[t], work.total, first, last - first)

    _share(source.samples * written.shape[3], channels, tiles)
    return currents


class _Work(NamedTuple):
    """A thread's buffers for one layer."""

    positions: int
    total: np.ndarray  # float32 [positions, O]
    sums: np.ndarray  # int32 [positions, O]
    spaces: dict[int, kernels.Workspace]  # by the words of a weight

    @classmethod
    def of(cls, channels: int, spans: list[tuple[int, int]], sources: "list[_Source]") -> "_Work":
        size = max(last - first for first, last in spans)
        layers = [source.layer for source in sources if isinstance(source, _Sums)]
        spaces = {layer.words.shape[1]: kernels.Workspace.of(layer.words, size) for layer in layers}
        sums = np.empty((size if layers else 0, channels), np.int32)
        return cls(size, np.empty((size, channels), np.float32), sums, spaces)


class _Sums(NamedTuple):
    """A term from a packed layer."""

    layer: Layer
    spikes: Packed
    gains: np.ndarray

    @property
    def samples(self) -> int:
        return self.spikes.words.shape[2]

    def put(self, work: _Work, t: int, first: int, last: int, *, add: bool) -> None:
        layer, planes = self.layer, self.spikes.words[:, t]
        space = work.spaces[layer.words.shape[1]]
        kernels.sums_of(layer.words, planes, layer.window, layer.groups, first, last, space, work.sums)
        worth = np.float32(1 / self.spikes.grain.divisor)
        neurons.put_sums(work.total, work.sums, worth, self.gains, last - first, add)


class _Spikes(NamedTuple):
    """A term of spikes as they are: an identity shortcut."""

    spikes: Packed
    gains: np.ndarray

    @property
    def samples(self) -> int:
        return self.spikes.words.shape[2]

    def put(self, work: _Work, t: int, first: int, last: int, *, add: bool) -> None:
        words = self.spikes.words[0, t]
        rows = words.reshape(-1, words.shape[-1])
        neurons.put_spikes(work.total, rows, self.gains, first, last - first, add)


class _Currents(NamedTuple):
    """A term that PyTorch worked out; one row of steps where every step is the same."""

    currents: np.ndarray  # float32 [T or 1, N, O, S]
    gains: np.ndarray

    @property
    def samples(self) -> int:
        return self.currents.shape[1]

    def put(self, work: _Work, t: int, first: int, last: int, *, add: bool) -> None:
        current = self.currents[t if len(self.currents) > 1 else 0]
        neurons.put_currents(work.total, current, self.gains, first, last - first, add)


_Source = _Sums | _Spikes | _Currents


def _source(packed: PackedProgram, instruction: Instruction, term: Term, values: dict[str, Value]) -> _Source:
    if term.kind == "sums":
        layer = packed.layers[term.source]
        pending = values.get(term.source)
        spikes = pending.spikes if isinstance(pending, Pending) else _packed(packed, layer.source, values)
        return _Sums(layer, spikes, term.gains)
    if term.kind == "spikes":
        return _Spikes(_packed(packed, term.source, values), term.gains)
    own = term.source == instruction.node.name
    currents = dense(_deliver(packed, instruction, values, bare=len(term.gains) > 0) if own else values[term.source])
    if currents.stride(0) == 0:
        currents = currents[:1]
    return _Currents(currents.reshape(*currents.shape[:3], -1).contiguous().numpy(), term.gains)


def _share(positions: int, channels: int, run_tiles: Callable[[list[tuple[int, int]]], None]) -> None:
    """Cut the output positions into tiles, and hand them to as many threads as PyTorch has."""
    threads = max(1, min(torch.get_num_threads(), positions // _LEAST_TILE))
    size = max(_NEURONS_A_TILE // channels, _LEAST_TILE)
    size = min(size, -(-positions // threads))
    size = -(-size // _TILE_UNIT) * _TILE_UNIT
    spans = [(first, min(first + size, positions)) for first in range(0, positions, size)]
    spread(len(spans), threads, lambda low, high: run_tiles(spans[low:high]))
