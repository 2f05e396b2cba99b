"""Several fault maps at once, stacked along the batch: [T, maps · N, *], with one product for all of them.

A product whose inputs are as they were is worked out map by map (`propagate.faulty`), as few of its weights change; one
whose inputs changed is a batched matrix product of each map's weight with its own part of the batch; whatever stands
between is done once for all. Products are exact, so the scores are those of each map alone, to the bit. It saves what a
call costs: worth it for small networks and where a processor is wide.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from spikewright.reliability.faults import Patch, Rewrite
from spikewright.reliability.injectable.layout import lanes
from spikewright.reliability.injectable.own_grid import Read
from spikewright.reliability.injectable.pieces import Piece, Target, Weights
from spikewright.reliability.injectable.propagate import Faulty, Golden, faulty, rewritten, scores_of


def run_stacked(target: Target, golden: Golden, patches: Sequence[Patch]) -> list[Faulty]:
    """Run maps that rewrite weights, and nothing else, on the images of a fault-free run; one result a map."""
    count, images = len(patches), len(golden.images)
    values: dict[str, Tensor] = {}
    for piece in target.pieces:
        own = piece.weights
        rewrites = [None if own is None else patch.weights.get(own.memory) for patch in patches]
        moved = any(name in values for name in piece.inputs)
        if not moved and not any(rewrite is not None for rewrite in rewrites):
            continue
        if not moved:
            assert own is not None
            made = _joined([_faulty(piece, own, golden, rewrite) for rewrite in rewrites])
        else:
            inputs = [
                values[name] if name in values else _joined([golden.values[name]] * count) for name in piece.inputs
            ]
            made = piece.gather(inputs)
            if own is not None:
                made = _products(own, own.read(made), rewrites, images)
        values[piece.name] = piece.finish(made)
    last = values.get(target.pieces[-1].name)
    if last is None:
        nothing = Faulty(np.empty(0, np.int64), golden.scores[:0])
        return [nothing] * count
    scores, rows = scores_of(last), np.arange(images)
    return [Faulty(rows, scores[start : start + images]) for start in range(0, count * images, images)]


def _faulty(piece: Piece, own: Weights, golden: Golden, rewrite: Rewrite | None) -> Tensor:
    if rewrite is None:
        return golden.products[piece.name]
    return faulty(piece, own, golden, rewrite)[0]


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """Values [T, N, *] of each map → [T, maps · N, *], laid out as values are."""
    if parts[0].dim() == 3:
        return torch.cat([lanes(part) for part in parts], 2).transpose(1, 2)
    return torch.cat(list(parts), 1)


def _products(own: Weights, read: Read, rewrites: Sequence[Rewrite | None], images: int) -> Tensor:
    """Each map's weight times its own part of the batch."""
    if not any(rewrite is not None for rewrite in rewrites):
        return own.product(read)
    weights = [own.integers if rewrite is None else rewritten(own.integers, rewrite) for rewrite in rewrites]
    reach = max(own.op.reach(weight) for weight in weights)
    real = own.digits is not None
    vectors = own.op.space == 0 and read.values.dim() == 3
    if not vectors or read.wide is not None or not (real or own.fits(own.largest(read), reach)):
        parts = [read.of(rows) for rows in torch.arange(read.values.shape[1]).split(images)]
        return _joined([own.product(part, weight) for part, weight in zip(parts, weights, strict=True)])
    given = lanes(read.values).to(torch.float64 if real else torch.float32)
    made = given.new_empty(len(given), own.channels, given.shape[2])
    every = torch.stack(weights).to(given.dtype)
    for t, step in enumerate(given):
        mine = step.unflatten(1, (len(weights), images)).transpose(0, 1)  # [maps, in, N]
        made[t].unflatten(1, (len(weights), images)).copy_(torch.bmm(every, mine).transpose(0, 1))
    return made.transpose(1, 2)
