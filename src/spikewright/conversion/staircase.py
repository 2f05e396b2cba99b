"""An activation as a staircase: the potentials at which its code changes, to the last bit of float64.

    code(z) ≥ k   where   z ≥ rising[k]   or   z ≤ falling[k],   k = 1 … number of codes − 1
for g that rises, or falls to one minimum and then rises. Each threshold is found by halving, among the floating-point
numbers themselves, the interval in which the rounded g(z) reaches the step: nothing is solved, so any g will do.
Knows nothing about networks or spikes.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from spikewright.ann.ops import Activating

FAR = float(torch.finfo(torch.float32).max)  # a potential that nothing reaches, in float32 too
_LIMIT = 1e30  # no potential is searched beyond


class Staircase(NamedTuple):
    """Thresholds of an activation's codes, the lowest first, [thresholds, *unit.shape] float64.

    FAR where a code is never reached, −FAR where it always is (of `falling`: the other way round).
    """

    rising: Tensor
    falling: Tensor | None  # None: it rises everywhere


def staircase(op: Activating, unit: Tensor, levels: int, slope: Tensor | None = None) -> Staircase:
    """The staircase of an activation.

    Args:
        op: the activation.
        unit: the height of a step, [] or one a channel, broadcastable to the features.
        levels: L, the largest code: L thresholds, or 2·L where codes have a sign.
        slope: its array of that role, broadcastable to the features.
    """
    unit = unit.double()
    slope = None if slope is None else slope.double()
    shape = unit.shape if slope is None else torch.broadcast_shapes(unit.shape, slope.shape)
    number = torch.arange(1, (2 if op.signed else 1) * levels + 1, dtype=torch.float64)
    number = number.reshape(-1, *(1,) * len(shape)).expand(-1, *shape)
    below = op.below(unit, levels)

    def reached(z: Tensor) -> Tensor:
        steps = op.evaluate(z, slope) / unit
        if op.signed:
            return torch.sign(steps) * (steps.abs() + 0.5).floor() + levels >= number
        return (steps + 0.5).floor() + below >= number

    turn = op.turn(slope)
    lowest = torch.full_like(number, -_LIMIT)
    if turn is None:
        return Staircase(_first(reached, lowest, torch.full_like(number, _LIMIT)), None)
    turn = turn.expand(number.shape)
    start = torch.where(turn.isfinite(), turn, lowest)
    rising = _first(reached, start, torch.full_like(number, _LIMIT))
    mirrored = _first(lambda z: reached(-z), -start, -lowest)  # the falling branch, seen from the other side
    falling = torch.where(turn.isfinite(), -mirrored, -FAR)
    return Staircase(rising, torch.where(rising == -FAR, FAR, falling))  # so that either may be counted alone


def _first(reached, low: Tensor, high: Tensor) -> Tensor:
    """The least number in [low, high] that `reached` holds for; −FAR: already at `low`; FAR: not even at `high`."""
    always, never = reached(low), ~reached(high)
    below, above = _order(low), _order(high)
    while bool((below + 1 < above).any()):
        middle = (below >> 1) + (above >> 1) + (below & above & 1)
        there = reached(_number(middle))
        above = torch.where(there, middle, above)
        below = torch.where(there, below, middle)
    found = _number(above)
    return torch.where(always, -FAR, torch.where(never, FAR, found))


def _order(numbers: Tensor) -> Tensor:
    """float64 as int64 in the same order, neighbours one apart."""
    bits = (numbers + 0.0).contiguous().view(torch.int64)  # −0 as 0
    return torch.where(bits < 0, bits ^ 0x7FFFFFFFFFFFFFFF, bits)


def _number(order: Tensor) -> Tensor:
    """`_order` undone."""
    bits = torch.where(order < 0, order ^ 0x7FFFFFFFFFFFFFFF, order)
    return bits.contiguous().view(torch.float64)
