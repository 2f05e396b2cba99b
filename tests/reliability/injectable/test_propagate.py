"""Every short cut, and stacked maps, against Python integers: at the very edge of what floating point holds, too."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.reliability.faults import Patch, Rewrite, StageFault
from spikewright.reliability.faults._stage import Untouched
from spikewright.reliability.injectable.layout import laid_out
from spikewright.reliability.injectable.pieces import Weights, weights_for
from spikewright.reliability.injectable.propagate import Shortcuts, rewritten, run_faulty, run_golden
from spikewright.reliability.injectable.stacked import run_stacked

NONE = Shortcuts(prefix=False, sparse=False, channels=False, rows=False)
EACH = [
    Shortcuts(prefix=prefix, sparse=sparse, channels=channels, rows=rows)
    for prefix, sparse, channels, rows in product((False, True), repeat=4)
]


@dataclass(frozen=True)
class Layer:
    """A product of vectors, and what it makes brought into ±top."""

    name: str
    inputs: tuple[str, ...]
    weights: Weights | None
    top: float = 2.0**62
    unit: float = 1.0

    def gather(self, inputs: Sequence[Tensor]) -> Tensor:
        if self.weights is None:
            return laid_out(torch.stack([each.double() for each in inputs]).sum(0))
        return laid_out(inputs[0])

    def finish(
        self, made: Tensor, *, channels: Tensor | None = None, fault: StageFault | None = None,
        images: NDArray[np.int64] | None = None,
    ) -> Tensor:  # fmt: skip
        made = (made.double() * self.unit).clamp(-self.top, self.top)
        if fault is not None:
            assert images is not None
            made = fault.train(made, images)
        return laid_out(made)


@dataclass(frozen=True)
class Network:
    """Layers in order; the input is taken as it is."""

    pieces: Sequence[Layer]
    arithmetic: str = "integers"

    def start(self, inputs: Tensor) -> Tensor:
        return laid_out(inputs.double().unsqueeze(0))


@dataclass(frozen=True)
class Case:
    """Weights of a chain, tops between them, inputs and rewritten weights: whole numbers all."""

    weights: list[NDArray[np.int64]]
    tops: list[int]  # of what each layer reads
    inputs: NDArray[np.int64]
    rewrites: dict[str, Rewrite] = field(default_factory=dict)

    @property
    def network(self) -> Network:
        layers = []
        for index, integers in enumerate(self.weights):
            stored = weights_for(
                Linear(), memory=f"{index}", bits=8, integers=torch.from_numpy(integers), most=float(self.tops[index]),
            )  # fmt: skip
            top = self.tops[index + 1] if index + 1 < len(self.weights) else 2**62
            layers.append(Layer(f"{index}", (INPUT if index == 0 else f"{index - 1}",), stored, top))
        return Network(layers)

    @property
    def patch(self) -> Patch:
        return Patch(weights=self.rewrites, hits=1)

    def scores(self) -> list[list[int]]:
        """In Python integers."""
        found = [[int(value) for value in row] for row in self.inputs]
        for index, integers in enumerate(self.weights):
            weight = [int(value) for value in integers.reshape(-1)]
            rewrite = self.rewrites.get(f"{index}")
            if rewrite is not None:
                for place, integer in zip(rewrite.places, rewrite.integers, strict=True):
                    weight[int(place)] = int(integer)
            width = integers.shape[1]
            rows = [weight[start : start + width] for start in range(0, len(weight), width)]
            top = self.tops[index + 1] if index + 1 < len(self.weights) else None
            made = [[sum(w * v for w, v in zip(row, image, strict=True)) for row in rows] for image in found]
            found = made if top is None else [[min(max(value, -top), top) for value in image] for image in made]
        return found


@st.composite
def cases(draw: st.DrawFn) -> Case:
    seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(1, 16), min_size=2, max_size=4))
    saved = draw(st.sampled_from([0.1, 0.5, 1.0]))
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    weights = [seed.integers(-127, 128, shape) * (seed.random(shape) < saved) for shape in shapes]
    # sums just below and just above what float32 holds, or half of it, or far more
    factor = draw(st.sampled_from([0.001, 0.5, 1, 2, 2**20]))
    tops = [int(factor * 2**24) // max(int(np.abs(w).sum(1).max()), 1) + draw(st.integers(0, 1)) for w in weights]
    ends = seed.choice([-tops[0], tops[0], tops[0] - 1], (draw(st.integers(1, 5)), sizes[0]))
    inputs = np.where(seed.random(ends.shape) < 0.5, ends, seed.integers(-tops[0], tops[0] + 1, ends.shape))
    rewrites = {}
    for index, weight in enumerate(weights):
        if draw(st.booleans()):
            count = draw(st.integers(1, min(weight.size, 3)))
            places = np.sort(seed.choice(weight.size, count, replace=False))
            rewrites[f"{index}"] = Rewrite(places, seed.integers(-128, 128, count))
    return Case(weights, tops, inputs, rewrites)


def scores(case: Case, how: Shortcuts, size: int) -> list[list[int]]:
    found, x = [], torch.from_numpy(case.inputs)
    for start in range(0, len(x), size):
        part = x[start : start + size]
        golden = run_golden(case.network, part, np.arange(start, start + len(part)))
        faulty = run_faulty(case.network, golden, case.patch, how)
        made = golden.scores.astype(np.float64)
        made[faulty.rows] = faulty.scores
        found += made.tolist()
    return found


# All that float32 holds, and twice as much on the way there: −100 becomes 101, times 2^24 / 101
LONE = Case(
    [np.array([[-100]] + [[0]] * 9)], [166_111], np.array([[166_111]]), {"0": Rewrite(np.array([0]), np.array([101]))}
)
# What the second layer reads swings from one end to the other, by an odd number times 125, of 25 bits
SWING = Case(
    [np.array([[127], [0], [0], [0]]), np.array([[125, 0, 0, 0]])], [1041, 2**24 // 125], np.array([[1041]]),
    {"0": Rewrite(np.array([0]), np.array([-128]))},
)  # fmt: skip


@given(cases())
@example(LONE)
@example(SWING)
def test_whatever_way_it_is_the_sum_in_python_integers(case: Case) -> None:
    expected = case.scores()
    for how in EACH:
        assert scores(case, how, len(case.inputs)) == expected, how
    assert scores(case, Shortcuts(), 1) == expected
    assert scores(case, NONE, 2) == expected
    x = torch.from_numpy(case.inputs)
    golden = run_golden(case.network, x, np.arange(len(x)))
    bare = Case(case.weights, case.tops, case.inputs).scores()
    assert golden.scores.tolist() == bare
    other = Patch(weights={"0": Rewrite(np.array([0]), np.array([-128]))})
    patches = [case.patch, Patch(), other, case.patch]
    found = run_stacked(case.network, golden, patches)
    for patch, faulty in zip(patches, found, strict=True):
        made = golden.scores.astype(np.float64)
        made[faulty.rows] = faulty.scores
        assert made.tolist() == Case(case.weights, case.tops, case.inputs, dict(patch.weights)).scores()


@st.composite
def graded(draw: st.DrawFn) -> tuple[Network, NDArray[np.float64], Patch, list[list[float]]]:
    """A chain that reads real values of few bits, which images hold at very different heights, inputs, and a map."""
    seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(2, 12), min_size=2, max_size=4))
    height = seed.choice([1.0, 2.0**-60, 2.0**40], (draw(st.integers(1, 5)), 1))
    inputs = seed.choice([1.0, 0.75, 0.375, 0.0], (len(height), sizes[0])) * height
    inputs[seed.random(inputs.shape) < 0.1] *= draw(st.sampled_from([1.0, 2.0**9, 2.0**12]))
    layers, rewrites = [], {}
    values = [[Fraction(float(value)) for value in row] for row in inputs]
    for index, shape in enumerate(zip(sizes[1:], sizes[:-1], strict=True)):
        integers = seed.integers(-7, 8, shape)
        stored = weights_for(Linear(), memory=f"{index}", bits=4, integers=torch.from_numpy(integers), most=None)
        layers.append(
            Layer(f"{index}", (INPUT if index == 0 else f"{index - 1}",), stored, unit=2.0**-10, top=2.0**200)
        )
        weight = integers.copy()
        if draw(st.integers(0, 2)) == 0:
            places = np.sort(seed.choice(integers.size, draw(st.integers(1, 2)), replace=False))
            rewrites[f"{index}"] = Rewrite(places, seed.integers(-8, 8, len(places)))
            weight.reshape(-1)[places] = rewrites[f"{index}"].integers
        values = [
            [sum((int(w) * v for w, v in zip(row, image, strict=True)), Fraction(0)) / 1024 for row in weight]
            for image in values
        ]
    return Network(layers), inputs, Patch(weights=rewrites), [[float(value) for value in row] for row in values]


@given(graded())
def test_real_values_at_any_height_are_summed_exactly(
    case: tuple[Network, NDArray[np.float64], Patch, list[list[float]]],
) -> None:
    network, inputs, patch, expected = case
    x = torch.from_numpy(inputs)
    golden = run_golden(network, x, np.arange(len(x)))
    for how in EACH:
        faulty = run_faulty(network, golden, patch, how)
        made = golden.scores.copy()
        made[faulty.rows] = faulty.scores
        assert made.tolist() == expected, how
    (stacked, _) = run_stacked(network, golden, [patch, patch])
    made = golden.scores.copy()
    made[stacked.rows] = stacked.scores
    assert made.tolist() == expected


# Branches, shared weights, neurons and pixels ------------------------------------------------------------------


class Dead(Untouched):
    """Some features are 0, for images whose number is even."""

    def __init__(self, places: list[int]) -> None:
        self.places = places

    def train(self, train: Tensor, images: NDArray[np.int64]) -> Tensor:
        made = train.clone()
        for row, image in enumerate(images):
            if image % 2 == 0:
                made[:, row, self.places] = 0
        return made


class Dark:
    """The first pixel of some images is 0."""

    def pixels(self, inputs: Tensor, images: NDArray[np.int64]) -> Tensor:
        made = inputs.clone()
        for row, image in enumerate(images):
            if image % 3 == 0:
                made[row, 0] = 0
        return made


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[tuple[str, tuple[str, ...], str | None]], int, Patch, list[int], int]:
    """Nodes (name, what they read, their memory; None: a sum), a width, a map, who is read last, and a seed."""
    width, seed = draw(st.integers(1, 12)), draw(st.integers(0, 2**32 - 1))
    nodes: list[tuple[str, tuple[str, ...], str | None]] = []
    for index in range(draw(st.integers(1, 5))):
        before = [INPUT, *(name for name, _, _ in nodes)]
        if draw(st.integers(0, 2)) == 0:
            reads, memory = tuple(draw(st.sampled_from(before)) for _ in range(draw(st.integers(1, 2)))), None
        else:
            reads, memory = (draw(st.sampled_from(before)),), draw(st.sampled_from(["a", "b", "c"]))
        nodes.append((f"{index}", reads, memory))
    names = [name for name, _, _ in nodes]
    generator = np.random.default_rng(seed + 1)
    rewrites = {
        memory: Rewrite(np.sort(generator.choice(width**2, 1)), generator.integers(-8, 8, 1))
        for memory in draw(st.sets(st.sampled_from(["a", "b", "c"])))
    }
    stages = {name: Dead([0]) for name in draw(st.sets(st.sampled_from(names), max_size=2))}
    pixels = Dark() if draw(st.booleans()) else None
    return nodes, width, Patch(weights=rewrites, stages=stages, pixels=pixels), draw(st.permutations(range(6))), seed


@given(graphs())
def test_graphs_of_any_shape(
    case: tuple[list[tuple[str, tuple[str, ...], str | None]], int, Patch, list[int], int],
) -> None:
    nodes, width, patch, order, seed = case
    generator = np.random.default_rng(seed)
    weights = {name: generator.integers(-7, 8, (width, width)) for name in "abc"}
    inputs = generator.integers(0, 2, (6, width))
    layers = []
    for name, reads, memory in nodes:
        stored = None
        if memory is not None:
            stored = weights_for(
                Linear(), memory=memory, bits=4, integers=torch.from_numpy(weights[memory]), most=99.0,
            )  # fmt: skip
        layers.append(Layer(name, reads, stored, top=99))
    network, numbers = Network(layers), np.array(order)
    x = torch.from_numpy(inputs)
    expected = _walked(nodes, weights, inputs, patch, numbers)
    for how in EACH:
        for size in (6, 4, 1):
            found = []
            for start in range(0, 6, size):
                golden = run_golden(network, x[start : start + size], numbers[start : start + size])
                faulty = run_faulty(network, golden, patch, how)
                made = golden.scores.copy()
                made[faulty.rows] = faulty.scores
                found += made.tolist()
            assert found == expected, (how, size)


def _walked(
    nodes: list[tuple[str, tuple[str, ...], str | None]],
    weights: dict[str, NDArray[np.int64]],
    inputs: NDArray[np.int64],
    patch: Patch,
    numbers: NDArray[np.int64],
) -> list[list[int]]:
    found = []
    for row, number in zip(inputs, numbers, strict=True):
        pixels = [int(value) for value in row]
        if patch.pixels is not None and number % 3 == 0:
            pixels[0] = 0
        values = {INPUT: pixels}
        for name, reads, memory in nodes:
            made = [sum(each) for each in zip(*(values[read] for read in reads), strict=True)]
            if memory is not None:
                weight = weights[memory].copy()
                if memory in patch.weights:
                    weight.reshape(-1)[patch.weights[memory].places] = patch.weights[memory].integers
                made = [sum(int(w) * v for w, v in zip(row, made, strict=True)) for row in weight]
            made = [min(max(value, -99), 99) for value in made]
            if name in patch.stages and number % 2 == 0:
                made[0] = 0
            values[name] = made
        found.append(values[nodes[-1][0]])
    return found


def test_only_what_changed_is_given_back() -> None:
    """Images that come out as they were are left out, and where nothing is struck nothing is run."""
    weight = np.eye(4, dtype=np.int64)
    case = Case([weight, weight], [9, 9], np.eye(4, dtype=np.int64), {"0": Rewrite(np.array([5]), np.array([3]))})
    golden = run_golden(case.network, torch.from_numpy(case.inputs), np.arange(4))
    found = run_faulty(case.network, golden, case.patch, Shortcuts())
    assert found.rows.tolist() == [1]  # the only one that is not 0 there
    assert found.scores.tolist() == [[0, 3, 0, 0]]
    assert run_faulty(case.network, golden, Patch(), Shortcuts()).rows.tolist() == []
    assert run_stacked(case.network, golden, [Patch()])[0].rows.tolist() == []
    same = Patch(weights={"0": Rewrite(np.array([5]), np.array([1]))})
    assert run_faulty(case.network, golden, same, Shortcuts()).rows.tolist() == []
    assert len(run_faulty(case.network, golden, same, NONE).rows) == 4


@given(st.integers(0, 999), st.data())
def test_a_weight_with_some_integers_replaced(seed: int, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    integers = torch.from_numpy(np.random.default_rng(seed).integers(-9, 9, shape)).float()
    if len(shape) > 1 and data.draw(st.booleans()):
        integers = integers.transpose(0, 1)  # places count the weight as it is, not as it lies in memory
    chosen = data.draw(st.dictionaries(st.integers(0, integers.numel() - 1), st.integers(-9, 9), max_size=4))
    places = sorted(chosen)
    before = integers.clone()
    made = rewritten(integers, Rewrite(np.array(places, np.int64), np.array([chosen[p] for p in places], np.int64)))
    assert torch.equal(integers, before) and made.shape == integers.shape
    for place, (new, old) in enumerate(zip(made.flatten().tolist(), before.flatten().tolist(), strict=True)):
        assert new == chosen.get(place, old)
