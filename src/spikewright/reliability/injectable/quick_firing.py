"""The closed form of firing, in the compiled loops of the int8 engine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.ann.ops import Maximum, Operation
from spikewright.ann.ops.layout import per_channel
from spikewright.engines.program import StageInstruction
from spikewright.reliability.injectable.layout import lanes
from spikewright.reliability.injectable.pieces import FLOAT32_EXACT

_SURE = 2.0**50
_WORTH_COMPILED = 65_536  # elements; loading Numba's loops takes longer than NumPy takes for fewer


def quick_firing(instruction: StageInstruction) -> Callable[[Tensor, Tensor | None], Tensor] | None:
    """One pass from a product of whole numbers to codes, where each channel fires by numbers of its own; else None.

    All that is added is an integer and the unit is one, so ½ more keeps the quotient off every boundary, and what
    float64 rounds cannot carry it across while magnitudes stay below 2^50 (`engines/int8/network.py` has the proof).
    """
    firing, rank = instruction.firing, len(instruction.node.shape)
    one = torch.ones((), dtype=torch.float64)
    unit = one if instruction.threshold is None else instruction.threshold.double()
    after = one if instruction.after is None else instruction.after.double()
    bias = 0 * one if instruction.bias is None else instruction.bias.double()
    initial = 0 * one if instruction.initial is None else instruction.initial.double()
    count = instruction.node.shape[0] if rank else 0
    pools = firing.before_firing
    if rank not in {1, 3} or not all(isinstance(op, Maximum) for op in pools):
        return None
    whole = FLOAT32_EXACT * float(after.abs().max()) + float((bias + initial).abs().max())
    parts = [_by_channel(array, count, rank) for array in (after / unit, (bias + initial + 0.5) / unit)]
    if whole >= _SURE or any(part is None for part in parts):
        return None
    gain, offset = (part.numpy() for part in parts if part is not None)
    return _ChannelFiring(gain, offset, float(firing.code.levels), pools, rank)


@dataclass(frozen=True, slots=True, eq=False)
class _ChannelFiring:
    """Codes of a product [1, N, C, *], or of some of its channels, by a gain and an offset for each channel."""

    gain: NDArray[np.float64]  # [channels]
    offset: NDArray[np.float64]
    levels: float
    pools: Sequence[Operation]
    rank: int  # of one sample's features

    def __call__(self, made: Tensor, channels: Tensor | None) -> Tensor:
        chosen = slice(None) if channels is None else channels.numpy()
        gain, offset = self.gain[chosen], self.offset[chosen]
        if self.rank == 1:
            given = lanes(made)
            codes = torch.empty_like(given)
            _fire(codes[0].numpy(), given[0].numpy(), gain, offset, self.levels)
            return codes.transpose(1, 2)
        given = made.contiguous()
        codes = torch.empty_like(given)
        rows = given.shape[1] * given.shape[2]
        _fire(codes.view(rows, -1).numpy(), given.view(rows, -1).numpy(), gain, offset, self.levels)
        pooled = codes[0]
        for pool in self.pools:  # firing is monotone: the code of the largest is the largest of the codes
            pooled = pool([pooled])
        return pooled.unsqueeze(0)


def _fire(
    out: NDArray[np.float32], x: NDArray[np.float32], gain: NDArray[np.float64], offset: NDArray[np.float64], top: float
) -> None:
    """Write the codes of rows [R, L], as `fire_channels` does; few of them without compiled loops, to the same bits."""
    if x.size >= _WORTH_COMPILED:
        from spikewright.engines.int8.loops import fire_channels  # noqa: PLC0415 - brings Numba

        fire_channels(out, x, gain, offset, top)
        return
    potential = x.reshape(-1, len(gain), x.shape[1]) * gain[:, None] + offset[:, None]
    out[:] = np.floor(potential.clip(0.0, top)).reshape(x.shape)


def _by_channel(array: Tensor, count: int, rank: int) -> Tensor | None:
    """One number a channel [count], or None where it is more than that."""
    found = per_channel(array, (count, *(1,) * (rank - 1)))
    return None if found is None else found.contiguous()
