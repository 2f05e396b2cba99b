"""What flows between the nodes of a packed network, and which values can be packed at all.

A value of a clocked network that is a count of spikes over a power of two (spikes themselves, their sums, means over
windows of 2^i places) is held in planes of binary digits, one bit an element; anything else as float32. Which values
are such counts follows from the plan alone: `grains`.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spikewright.ann.ops import Averaging, Moving
from spikewright.ann.source import INPUT
from spikewright.engines.packed import sums as kernels
from spikewright.engines.program import Instruction, Program, StageInstruction

LARGEST = 255  # count; eight planes


@dataclass(frozen=True, slots=True)
class Grain:
    """Values that are count / divisor."""

    top: int  # the largest count
    divisor: int  # a power of two

    @property
    def planes(self) -> int:
        """Binary digits of the largest count."""
        return self.top.bit_length()


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A train of counts.

    Attributes:
        words: uint64 [planes, T, N, H, W, ⌈C/64⌉]; H = W = 1 for vectors.
        shape: the features, (C,) or (C, H, W).
        grain: what the counts stand for.
    """

    words: np.ndarray
    shape: tuple[int, ...]
    grain: Grain

    def dense(self) -> Tensor:
        """The values, float32 [T, N, *shape]."""
        return self._unpacked(self.words)

    def total(self) -> Tensor:
        """Their sum over time, float32 [N, *shape]; one step is unpacked at a time."""
        found = self._unpacked(self.words[:, :1])[0]
        for t in range(1, self.words.shape[1]):
            found += self._unpacked(self.words[:, t : t + 1])[0]
        return found

    def _unpacked(self, words: np.ndarray) -> Tensor:
        planes, timesteps, samples, high, wide, width = words.shape
        values = torch.empty(timesteps, samples, *self.shape)
        rows = words.reshape(planes, timesteps * samples, high * wide, width)
        kernels.unpack(rows, _rows(values), np.float32(1 / self.grain.divisor))
        return values


def pack(train: Tensor, grain: Grain) -> Packed:
    """Values [T, N, *shape] that are of the grain → the same, packed."""
    timesteps, samples, channels, *space = train.shape
    words = np.empty((grain.planes, timesteps, samples, *(space or (1, 1)), kernels.words_of(channels)), np.uint64)
    rows = words.reshape(grain.planes, timesteps * samples, math.prod(space), -1)
    values = _rows(train.contiguous())
    if space:
        kernels.pack(values, rows, np.float32(grain.divisor))
    else:
        kernels.pack_rows(values[:, :, 0], rows[:, :, 0], np.float32(grain.divisor))
    return Packed(words, tuple(train.shape[2:]), grain)


def _rows(train: Tensor) -> np.ndarray:
    """[T, N, C, *space] → [T·N, C, S], the same memory."""
    return train.view(train.shape[0] * train.shape[1], train.shape[2], -1).numpy()


def grains(program: Program) -> dict[str, Grain]:
    """The values of a clocked network, by node, that are counts over a power of two."""
    plan = program.plan
    found = {INPUT: Grain(1, 1)} if plan.encoder.largest == 1 else {}
    shapes = plan.shapes
    for instruction in program.instructions:
        node = instruction.node
        if isinstance(instruction, StageInstruction):
            grain = None if instruction.firing.law.takes_back else Grain(1, 1)
        elif all(name in found for name in node.inputs) and _plain(instruction):
            grain = _grain(instruction, [found[name] for name in node.inputs], [shapes[name] for name in node.inputs])
        else:
            grain = None
        if grain is not None and grain.top <= LARGEST:
            found[node.name] = grain
    return found


def _plain(instruction: Instruction) -> bool:
    return instruction.after is None and all(
        instruction.gain(index) is None for index in range(len(instruction.node.edges))
    )


def _grain(instruction: Instruction, inputs: list[Grain], shapes: list[tuple[int, ...]]) -> Grain | None:
    op, first = instruction.node.op, inputs[0]
    if any(grain.divisor != first.divisor for grain in inputs):
        return None
    if isinstance(op, Moving):
        return Grain(max(grain.top for grain in inputs), first.divisor)
    if op.adds:
        return Grain(sum(grain.top for grain in inputs), first.divisor)
    windows = op.even_windows(shapes[0]) if isinstance(op, Averaging) else None
    if windows is None or windows.divisor & (windows.divisor - 1):
        return None
    terms, divisor = math.prod(windows.kernel), windows.divisor
    return Grain(first.top * terms, first.divisor * divisor)
