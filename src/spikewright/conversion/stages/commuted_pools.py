"""Max pools behind an affine map of spikes: the stage fires from the pooled potential, and the map follows it.

    max (g·a + b) = g·max a + b  where g ≥ 0,    g·min a + b  where g < 0,    min a = −max (−a)
over a window, for one g and one b in all of it; they may differ between channels. Where the activation rises, with
s = sign g the codes of s·max (s·a) are those of s·max (s·z): what stands before firing is a sign, the pool, and the
sign again; where it does not, the stage's own spikes are pooled so (`relays.py`). A pool's padding counts as −∞ on
either side of it. What only moves values within their channels, as padding does, moves potentials as well. Knows
nothing about the order in which pools are met.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from spikewright.ann.interpreter import as_trained
from spikewright.ann.ops import Maximum, Operation
from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.moves import Concat, Identity
from spikewright.conversion.stages.draft import Draft
from spikewright.conversion.stages.relays import firing_behind
from spikewright.conversion.stages.staged import Fires

Found = dict[str, tuple[str, Fires]]
Step = tuple[Operation, Tensor | None, Tensor | None]


class Part(NamedTuple):
    """Some channels of a value: gain · (a value that is emitted as spikes, moved) + offset, both in full [*shape]."""

    fired: str
    moves: tuple[Operation, ...]
    gain: Tensor
    offset: Tensor

    @property
    def plain(self) -> bool:
        """Whether gain and offset do nothing."""
        return bool((self.gain == 1).all()) and not bool(self.offset.any())


def commute(draft: Draft, name: str, found: Found) -> None:
    """Let the max pool of that name fire from pooled potentials; where it cannot, all stays as it is."""
    op, read = draft.op[name], draft.inputs[name][0]
    assert isinstance(op, Maximum)
    shape, one = draft.shape[read], torch.ones((), dtype=torch.float64)
    axes = op.axes(shape)
    parts = _parts(draft, read, Part(read, (), one.expand(shape), 0 * one.expand(shape)), found)
    if parts is None or (len(parts) > 1 and 0 in axes):
        return
    first = tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(len(shape)))
    lines = [part._replace(gain=part.gain[first], offset=part.offset[first]) for part in parts]
    if not all(_spreads(line, part) for line, part in zip(lines, parts, strict=True)):
        return
    if not all(_stays(draft, part, len(shape) - len(axes), found) for part in parts):
        return
    if len(lines) == 1 and lines[0].plain and not lines[0].moves and not found[lines[0].fired][1].beyond:
        root, fires = firing_behind(draft, lines[0].fired, found)
        found[name] = root, replace(fires, carries=name, channels=None, before=(*fires.before, (op, None, None)))
        return
    fired = [_pooled(draft, name, line, found) for line in lines]
    read = fired[0] if len(fired) == 1 else _side_by_side(draft, name, fired)
    draft.op[name], draft.inputs[name] = Identity(), (read,)
    gain, offset = torch.cat([line.gain for line in lines]), torch.cat([line.offset for line in lines])
    if bool((gain != 1).any()):
        draft.op[name], draft.weight[name] = Scale(), gain
    if bool(offset.any()):
        draft.own[name] = offset


def _parts(draft: Draft, name: str, value: Part, found: Found) -> list[Part] | None:
    """What a part of the value of that name is made of, along the channels; None where not of spikes alone."""
    moves, gain, offset = value.moves, value.gain, value.offset
    while name not in found:
        op = draft.op.get(name)
        if op is None:
            return None
        before = draft.inputs[name][0]
        if op.joins_channels:
            return None if moves else _joined(draft, name, Part(name, (), gain, offset), found)
        if name in draft.own:
            offset = offset + gain * _moved(moves, draft.own[name].expand(draft.shape[name]))
        if op.scales and draft.shape[before] == draft.shape[name]:
            gain = gain * _moved(moves, draft.weight[name].expand(draft.shape[name]))
        elif op.moves and not op.joins:
            moves = moves if op.passes else (op, *moves)
        else:
            return None
        name = before
    return [Part(name, moves, gain, offset)]


def _joined(draft: Draft, name: str, value: Part, found: Found) -> list[Part] | None:
    """As `_parts`, of a concatenation along the channels."""
    parts: list[Part] = []
    start = 0
    for read in draft.inputs[name]:
        stop = start + draft.shape[read][0]
        some = value._replace(gain=value.gain[start:stop], offset=value.offset[start:stop])
        inner = _parts(draft, read, some, found)
        if inner is None:
            return None
        parts += inner
        start = stop
    return parts


def _moved(moves: Sequence[Operation], value: Tensor) -> Tensor:
    """[*features] → what the moves make of it."""
    value = value.unsqueeze(0)
    for op in moves:
        value = op([value])
    return value[0]


def _spreads(line: Part, part: Part) -> bool:
    """Whether gain and offset are the same all over a window."""
    gains, offsets = line.gain.expand_as(part.gain), line.offset.expand_as(part.offset)
    return torch.equal(gains, part.gain) and torch.equal(offsets, part.offset)


def _stays(draft: Draft, part: Part, leading: int, found: Found) -> bool:
    """Whether moves leave values among their leading axes, and put zeros among them only where silence is 0."""
    if not part.moves:
        return True
    given = draft.shape[part.fired]
    places = _places(given, leading)
    moved = _moved(part.moves, places.expand(given))
    if moved.dim() != len(given) or moved.shape[:leading] != given[:leading]:
        return False
    own = places.expand(moved.shape)
    zeros = moved == 0
    return bool((zeros | (moved == own)).all()) and (not bool(zeros.any()) or _silent_at_zero(draft, part, found))


def _places(given: tuple[int, ...], leading: int) -> Tensor:
    """A number from 1 on for each place of the leading axes, [*leading, 1, …] float64."""
    return (
        torch.arange(1, math.prod(given[:leading]) + 1)
        .double()
        .reshape(*given[:leading], *(1,) * (len(given) - leading))
    )


def _silent_at_zero(draft: Draft, part: Part, found: Found) -> bool:
    """Whether the activation of a part makes 0 of 0."""
    name = found[part.fired][1].activation
    node = next(each for each in draft.source.nodes if each.name == name)
    roles = {role: draft.source.arrays[array] for role, array in node.arrays}
    return not bool(as_trained(node, torch.zeros(1, *node.shape), roles).any())


def _pooled(draft: Draft, name: str, line: Part, found: Found) -> str:
    """A new value that fires: the spikes of a part, pooled so that its gain can follow."""
    op = draft.op[name]
    assert isinstance(op, Maximum)
    root, fires = firing_behind(draft, line.fired, found)
    before, beyond = list(fires.before), fires.beyond
    ones = torch.ones((), dtype=torch.float64)
    sign = first = torch.where(line.gain < 0, -ones, ones)
    last = before[-1][1] if beyond else None
    if last is not None:  # the sign behind a pool before this one
        before, beyond, first = before[:-1], beyond - 1, last * sign
    moves = [(move, None, None) for move in line.moves]
    steps = [*moves, *_signs(first), (op, None, None), *_signs(sign)]
    made = _fresh(draft, f"{name}.pooled")
    found[made] = root, replace(fires, before=(*before, *steps), beyond=beyond + len(steps))
    draft.op[made], draft.inputs[made], draft.label[made] = op, (line.fired,), made
    shape = draft.shape[name]
    draft.shape[made] = shape if 0 in op.axes(shape) else (draft.shape[line.fired][0], *shape[1:])
    return made


def _signs(sign: Tensor) -> list[Step]:
    """The step that applies signs; none where all are +1."""
    return [(Scale(), sign, torch.zeros((), dtype=torch.float64))] if bool((sign < 0).any()) else []


def _side_by_side(draft: Draft, name: str, fired: list[str]) -> str:
    """A new value: several that fire, along the channels."""
    made = _fresh(draft, f"{name}.joined")
    draft.op[made], draft.inputs[made], draft.label[made] = Concat(dim=1), tuple(fired), made
    draft.shape[made] = draft.shape[name]
    return made


def _fresh(draft: Draft, name: str) -> str:
    names = (name, *(f"{name}#{count}" for count in range(2, len(draft.op) + 3)))
    return next(each for each in names if each not in draft.op)
