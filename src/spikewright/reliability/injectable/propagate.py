"""One fault map through a network, doing again only what it changes.

    prefix     pieces before the first that is struck keep their fault-free values
    sparse     a struck product whose inputs are as they were is its fault-free self plus what the changed weights add
    channels   where few output channels changed, only these fire again, and only they are new to the next product
    rows       images whose values are all as they were again drop out: their result is the fault-free one
    stack      so many maps at once (`stacked.py`), which forgoes `channels` and `rows`; 1: one by one
Products are exact (`pieces.py`), so each of these returns, to the bit, what running all of it again returns; each can
be switched off. Knows nothing about how many maps there are, or what they are for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.ann.source import INPUT
from spikewright.reliability.faults import Patch, Rewrite
from spikewright.reliability.injectable.differences import add_changes, rows_that_differ
from spikewright.reliability.injectable.layout import lanes, pick, pick_channels
from spikewright.reliability.injectable.own_grid import Read
from spikewright.reliability.injectable.pieces import FLOAT32_EXACT, Piece, Target, Weights

_SPARSE = 0.1  # of a product's weights: with more changes it is quicker to multiply all of them again
_FEW_CHANNELS = 0.25  # of a product's channels
_WORTH_DROPPING = 0.9  # of the images: if more than so many are changed, leaving out the others gains nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcuts:
    """Which of them are taken."""

    prefix: bool = True
    sparse: bool = True
    channels: bool = True
    rows: bool = True
    stack: int = 1


class Golden(NamedTuple):
    """The fault-free run on some images.

    Attributes:
        inputs: prepared, [N, *input_shape].
        images: their numbers, [N].
        values: of the input and of every piece, [T, N, *].
        reads: what products read.
        products: what they made.
        largest: the largest whole number that each product reads.
        active: which features a product reads are not 0 for all images, [T, F]; of vectors alone.
        scores: the read-out, float [N, classes].
    """

    inputs: Tensor
    images: NDArray[np.int64]
    values: Mapping[str, Tensor]
    reads: Mapping[str, Read]
    products: Mapping[str, Tensor]
    largest: Mapping[str, float]
    active: Mapping[str, NDArray[np.bool_]]
    scores: NDArray[np.floating]

    @property
    def wide(self) -> int:
        """How many images some product reads in parts, which takes longer."""
        found = np.zeros(len(self.images), bool)
        for read in self.reads.values():
            found |= False if read.wide is None else read.wide.numpy()
        return int(found.sum())


class _Change(NamedTuple):
    """How a value differs from the fault-free one."""

    value: Tensor  # [T, rows, channels, *]
    channels: Tensor | None  # which channels `value` holds, the others being as they were; None: all


class Faulty(NamedTuple):
    """What a map made of the images that it changed."""

    rows: NDArray[np.int64]  # their places in the batch
    scores: NDArray[np.floating]  # [rows, classes]


def run_golden(target: Target, inputs: Tensor, images: NDArray[np.int64]) -> Golden:
    """Run images without a fault, and keep everything."""
    values, reads, products = {INPUT: target.start(inputs)}, {}, {}
    active: dict[str, NDArray[np.bool_]] = {}
    largest: dict[str, float] = {}
    for piece in target.pieces:
        made = piece.gather([values[name] for name in piece.inputs])
        if piece.weights is not None:
            read = reads[piece.name] = piece.weights.read(made)
            if made.dim() == 3:
                active[piece.name] = lanes(read.values).ne(0).any(2).numpy()
            most = largest[piece.name] = piece.weights.largest(read)
            made = products[piece.name] = piece.weights.product(read, largest=most)
        values[piece.name] = piece.finish(made)
    return Golden(inputs, images, values, reads, products, largest, active, scores_of(values[target.pieces[-1].name]))


def run_faulty(target: Target, golden: Golden, patch: Patch, shortcuts: Shortcuts) -> Faulty:
    """Run a fault map on the images of a fault-free run."""
    return _Pass(target, golden, patch, shortcuts).run()


class _Pass:
    """One map under way."""

    def __init__(self, target: Target, golden: Golden, patch: Patch, shortcuts: Shortcuts) -> None:
        self._target, self._golden, self._patch, self._shortcuts = target, golden, patch, shortcuts
        self._rows: Tensor | None = None
        self._changes: dict[str, _Change] = {}
        self._differs: dict[str, Tensor] = {}
        self._watching = shortcuts.rows
        pieces = target.pieces
        self._last_use = {name: piece.name for piece in pieces for name in piece.inputs}

    def run(self) -> Faulty:
        """The images that came out otherwise, and how."""
        if self._patch.pixels is not None:
            faulty = self._target.start(self._patch.pixels.pixels(self._golden.inputs, self._golden.images))
            self._store(INPUT, _Change(faulty, None))
        ahead = self._before_the_last_faulty()
        for piece in self._target.pieces:
            change = self._changed(piece)
            if change is not None:
                self._store(piece.name, change)
            for name in set(piece.inputs):
                if self._last_use[name] == piece.name:
                    self._changes.pop(name, None)
                    self._differs.pop(name, None)
            if piece.name not in ahead:
                self._drop()
            if self._rows is not None and not len(self._rows):
                break
        last = self._changes.get(self._target.pieces[-1].name)
        if last is None:
            return Faulty(np.empty(0, np.int64), self._golden.scores[:0])
        rows = np.arange(len(self._golden.images)) if self._rows is None else self._rows.numpy()
        return Faulty(rows, scores_of(self._full(self._target.pieces[-1].name, last)))

    def _before_the_last_faulty(self) -> set[str]:
        """Pieces after which one more is struck, so that an image may still begin to differ."""
        faulty = [
            index
            for index, piece in enumerate(self._target.pieces)
            if piece.name in self._patch.stages
            or (piece.weights is not None and piece.weights.memory in self._patch.weights)
        ]
        return {piece.name for piece in self._target.pieces[: max(faulty, default=0)]}

    def _changed(self, piece: Piece) -> _Change | None:
        """The piece's value under the map, or None where nothing that it reads or holds has changed."""
        fault = self._patch.stages.get(piece.name)
        weights = piece.weights
        rewrite = None if weights is None else self._patch.weights.get(weights.memory)
        moved = [name for name in piece.inputs if name in self._changes]
        if fault is None and rewrite is None and not moved and self._shortcuts.prefix:
            return None
        images = self._golden.images if self._rows is None else self._golden.images[self._rows.numpy()]
        if weights is None:
            made = piece.gather([self._value(name) for name in piece.inputs])
            return _Change(piece.finish(made, fault=fault, images=images), None)
        made, channels = self._product(piece, weights, rewrite, moved)
        return _Change(piece.finish(made, channels=channels, fault=fault, images=images), channels)

    def _product(
        self, piece: Piece, weights: Weights, rewrite: Rewrite | None, moved: list[str]
    ) -> tuple[Tensor, Tensor | None]:
        """A product under the map, and which channels it is given for."""
        fault = self._patch.stages.get(piece.name)
        if not moved:
            if rewrite is None and self._shortcuts.prefix:
                return pick(self._golden.products[piece.name], self._rows), None
            if rewrite is not None:
                few = fault is None and self._shortcuts.channels
                return faulty(
                    piece, weights, self._golden, rewrite, rows=self._rows, few=few, sparse=self._shortcuts.sparse
                )
        weight = weights.integers if rewrite is None else rewritten(weights.integers, rewrite)
        partial = self._changes[moved[0]].channels if len(moved) == 1 else None
        if (
            partial is not None
            and rewrite is None
            and self._shortcuts.channels
            and _by_channel(piece, weights, self._golden)
        ):
            return self._grown(piece, weights, partial), None
        read = weights.read(piece.gather([self._value(name) for name in piece.inputs]))
        return weights.product(read, weight), None

    def _grown(self, piece: Piece, weights: Weights, partial: Tensor) -> Tensor:
        """A product of which some input channels have changed: the fault-free one plus what these make of it."""
        new = weights.read(piece.gather([self._value(name) for name in piece.inputs]))
        old = self._golden.reads[piece.name].of(self._rows).channels(partial)
        before = pick(self._golden.products[piece.name], self._rows)
        weight = weights.integers.index_select(1, partial)
        if weights.digits is not None:
            grown, sure = weights.grown(new.channels(partial), old, weight)
            return weights.anew(before + grown, ~sure, new, weights.integers)
        most = weights.largest(new)
        apart = most + self._golden.largest[piece.name]  # of two values on either side of 0
        fresh, former = pick_channels(new.values, partial), old.values
        if apart > FLOAT32_EXACT:
            fresh, former = fresh.double(), former.double()
        grown = weights.product(Read(fresh - former), weight, largest=apart)
        return (before if weights.fits(most) else before.double()) + grown

    def _value(self, name: str) -> Tensor:
        """A value as it is under the map, for the images that are left."""
        change = self._changes.get(name)
        return pick(self._golden.values[name], self._rows) if change is None else self._full(name, change)

    def _full(self, name: str, change: _Change) -> Tensor:
        """A changed value with the channels that are as they were."""
        if change.channels is None:
            return change.value
        before = pick(self._golden.values[name], self._rows)
        if before.dim() == 3:
            whole = lanes(before).clone() if self._rows is None else lanes(before)
            return whole.index_copy_(1, change.channels, lanes(change.value)).transpose(1, 2)
        whole = before.clone() if self._rows is None else before
        return whole.index_copy_(2, change.channels, change.value)

    def _store(self, name: str, change: _Change) -> None:
        """Take a change over, and look which images it is one for."""
        self._changes[name] = change
        if not self._watching:
            return
        before = pick_channels(pick(self._golden.values[name], self._rows), change.channels)
        differs = rows_that_differ(change.value, before)
        if not bool(differs.any()):
            del self._changes[name]
            return
        self._differs[name] = differs
        if float(differs.float().mean()) > _WORTH_DROPPING and self._last_use.get(name) is not None:
            self._watching = False  # a map that reaches nearly all images is let run

    def _drop(self) -> None:
        """Leave out the images for which nothing that is still to be read has changed."""
        if not self._shortcuts.rows or set(self._differs) != set(self._changes):
            return
        count = len(self._golden.images) if self._rows is None else len(self._rows)
        live = torch.zeros(count, dtype=torch.bool)
        for differs in self._differs.values():
            live |= differs
        if int(live.sum()) > _WORTH_DROPPING * count:
            return
        remaining = live.nonzero().flatten()
        self._rows = remaining if self._rows is None else self._rows[remaining]
        for name, change in self._changes.items():
            self._changes[name] = _Change(pick(change.value, remaining), change.channels)
            self._differs[name] = self._differs[name][remaining]


def faulty(
    piece: Piece,
    weights: Weights,
    golden: Golden,
    rewrite: Rewrite,
    *,
    rows: Tensor | None = None,
    few: bool = False,
    sparse: bool = True,
) -> tuple[Tensor, Tensor | None]:
    """A product whose weights changed and whose inputs did not, and which channels it is given for (None: all).

    Args:
        piece: whose product.
        weights: its weights.
        golden: the fault-free run.
        rewrite: what changed.
        rows: images that are left; None: all.
        few: give only the channels that changed, where these are few.
        sparse: add to the fault-free product what the changed weights add, where these are few.
    """
    read, largest = golden.reads[piece.name].of(rows), golden.largest[piece.name]
    if not _by_channel(piece, weights, golden):
        return weights.product(read, rewritten(weights.integers, rewrite), largest=largest), None
    hit = torch.div(torch.from_numpy(rewrite.places), weights.integers[0].numel(), rounding_mode="floor").unique()
    few = few and len(hit) <= _FEW_CHANNELS * weights.channels
    vectors = weights.op.space == 0 and read.values.dim() == 3
    if sparse and vectors and len(rewrite.places) <= _SPARSE * weights.integers.numel():
        channels = hit if few else None
        made = _with_changes(piece, weights, golden, rewrite, rows, channels)
        if read.wide is not None:
            weight = rewritten(weights.integers, rewrite)
            made = weights.anew(made, read.wide, read, weight if channels is None else weight.index_select(0, channels))
        return made, channels
    weight = rewritten(weights.integers, rewrite)
    if few:
        return weights.product(read, weight.index_select(0, hit), largest=largest), hit
    return weights.product(read, weight, largest=largest), None


def _with_changes(
    piece: Piece, weights: Weights, golden: Golden, rewrite: Rewrite, rows: Tensor | None, channels: Tensor | None
) -> Tensor:
    """The fault-free product of vectors plus what each changed weight adds, for some rows and channels (None: all)."""
    places = torch.from_numpy(rewrite.places)
    made = lanes(pick(pick_channels(golden.products[piece.name], channels), rows))
    old, new = weights.integers.flatten()[places], torch.from_numpy(rewrite.integers).float()
    given = lanes(pick(golden.reads[piece.name].values, rows))
    # sums on the way are of weights partly old and partly new; what one change adds is a product of its own
    reach = weights.reach + float((new.abs() - old.abs()).clamp(min=0).sum())
    reach = max(reach, float((new - old).abs().max()) if len(places) else 0.0)
    fits = weights.fits(golden.largest[piece.name], reach)
    made = made.to(torch.float32 if fits else torch.float64, copy=True)
    given = given if weights.digits is not None else given.to(made.dtype)
    deltas = (new - old).to(made.dtype).numpy()
    outputs, columns = np.divmod(rewrite.places, weights.integers[0].numel())
    outputs = outputs if channels is None else np.searchsorted(channels.numpy(), outputs)
    changes = (outputs, columns, deltas)
    add_changes(made.numpy(), given.numpy(), golden.active[piece.name], *changes)
    return made.transpose(1, 2)


def _by_channel(piece: Piece, weights: Weights, golden: Golden) -> bool:
    """Whether the channels of values are rows and columns of the weight."""
    return weights.by_channel and (weights.op.space > 0 or golden.reads[piece.name].values.dim() == 3)


def rewritten(integers: Tensor, rewrite: Rewrite) -> Tensor:
    """A weight with some of its integers replaced."""
    flat = integers.flatten().clone()
    flat[torch.from_numpy(rewrite.places)] = torch.from_numpy(rewrite.integers).to(flat.dtype)
    return flat.reshape(integers.shape)


def scores_of(readout: Tensor) -> NDArray[np.floating]:
    """[T, N, classes] with T = 1 → [N, classes]."""
    return np.ascontiguousarray(readout[0].numpy())
