"""Ordinary networks against float64 loops over their stored integers, image by image, with images of any range.

Beside each value the loop has a bound on how far the network's own may be from it, which follows from what is rounded:
    what a product reads    to a multiple of 2^(e − digits), all |x| < 2^e; of a vector, to 2^-21 of each value at most
    what a layer makes      to float32, 2^-24 of itself; sums before that are exact, or float64's
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.ops import Operation
from spikewright.ann.source import Source
from spikewright.conversion.quantise import store
from spikewright.measure.samples import Prepared
from spikewright.reliability.campaign.inject import inject
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Patch
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.faults.saturated_neuron import SaturatedNeuron
from spikewright.reliability.injectable.ordinary import OrdinaryTarget
from spikewright.reliability.injectable.propagate import Shortcuts, run_faulty, run_golden
from spikewright.snn.formats.uniform import Uniform

BITS = Uniform(bits=8)
DIGITS = {"linear": 36, "conv": 32}  # of the grid that an image is read on
FLOAT32 = 2.0**-24  # of what is rounded to it
FLOAT64 = 2.0**-46  # of all magnitudes that a sum adds up: it has fewer than 2^6 terms, here and there
OUT = {"without": 0.0, "far out": -9999.0, "farther": 1e6}


def perceptron(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    sizes = [12, *(int(n) for n in torch.randint(4, 20, (1 + seed % 3,))), 5]
    layers: list[nn.Module] = []
    for given, made in pairwise(sizes):
        layers += [nn.Linear(given, made), nn.ReLU6() if seed % 2 else nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def convolutional(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(4, 6, 3, groups=1 + seed % 2), nn.ReLU(),
        nn.Flatten(), nn.Linear(6, 5),
    )  # fmt: skip


def images(shape: tuple[int, ...], count: int, seed: int, out: float) -> Tensor:
    """Images of 0 to 1; every fourth has a value that lies far out."""
    x = torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed))
    if out:
        for image in range(0, count, 4):
            x[image].view(-1)[(5 * image + seed) % x[image].numel()] = out
    return x


Bounded = tuple[NDArray[np.float64], NDArray[np.float64]]  # values, and how far the network's may be from them


def loop(source: Source, patch: Patch, x: NDArray[np.float64]) -> Bounded:
    """One image through the network in float64, from its stored integers."""
    stored, values = store(source, BITS), {"input": (x, np.zeros_like(x))}
    for node in source.nodes:
        op, arrays, (given, error) = node.op, dict(node.arrays), values[node.inputs[0]]
        if op.kind in {"linear", "conv"}:
            entry = stored[arrays["weight"]]
            integers = entry.integers.numpy().astype(np.float64)
            if node.name in patch.weights:
                flat = integers.reshape(-1)
                flat[patch.weights[node.name].places] = patch.weights[node.name].integers
            bias = source.arrays[arrays["bias"]].double().numpy()
            values[node.name] = multiplied(op, given, error, integers * float(entry.scale), bias)
        elif op.kind == "average_pool":
            made, error = (
                each.reshape(len(each), each.shape[1] // 2, 2, each.shape[2] // 2, 2).mean((2, 4))
                for each in (given, error)
            )
            values[node.name] = made, rounded(made, error)
        elif op.kind == "reshape":
            values[node.name] = given.reshape(-1), error.reshape(-1)
        else:
            assert op.activates
            top = np.inf if op.cap is None else op.cap  # pyright: ignore
            low, made, high = (np.clip(given + by, 0, top) for by in (-error, 0, error))
            values[node.name] = made, np.maximum(high - made, made - low)
    return values[source.output]


def multiplied(
    op: Operation, given: NDArray[np.float64], error: NDArray[np.float64], weight: NDArray[np.float64],
    bias: NDArray[np.float64],
) -> Bounded:  # fmt: skip
    def product(weight: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
        return weight @ x if op.kind == "linear" else convolved(x, weight, op)

    reach = np.abs(given) + error
    half_step = 2.0 ** (np.frexp(reach.max())[1] - DIGITS[op.kind] - 1)
    read = np.minimum(half_step, 2.0**-21 * reach) if op.kind == "linear" else half_step
    shift = bias.reshape(-1, *(1,) * (given.ndim - 1))
    made = product(weight, given) + shift
    terms = product(np.abs(weight), reach) + np.abs(shift)
    return made, rounded(made, product(np.abs(weight), error + read) + FLOAT64 * terms)


def rounded(made: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.float64]:
    return error + FLOAT32 * (np.abs(made) + error)


def convolved(given: NDArray[np.float64], weight: NDArray[np.float64], op: object) -> NDArray[np.float64]:
    pad, groups = op.padding[0], op.groups  # pyright: ignore
    padded = np.pad(given, ((0, 0), (pad, pad), (pad, pad)))
    height, width = padded.shape[1] - 2, padded.shape[2] - 2
    made = np.zeros((len(weight), height, width))
    for channel, kernel in enumerate(weight):
        first = channel // (len(weight) // groups) * len(kernel)
        for i in range(height):
            for j in range(width):
                made[channel, i, j] = (padded[first : first + len(kernel), i : i + 3, j : j + 3] * kernel).sum()
    return made


def differing(model: nn.Module, shape: tuple[int, ...], *, seed: int, out: float, count: int = 24) -> tuple[int, int]:
    """Scores out of the loop's bounds, over all maps; and images of which the bounds leave more than one class."""
    x = images(shape, count, seed, out)
    source = capture(model.eval(), x[:2])
    target = OrdinaryTarget(source, BITS)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    golden = run_golden(target, x, np.arange(count))
    moved = run_golden(target, x[order], order.numpy())
    assert np.array_equal(moved.scores, golden.scores[order.numpy()])
    wrong, ties = 0, 0
    for patch in [Patch(), *(BitFlip(ber=ber).patch(target.sites(), Draw(seed, "model", 0)) for ber in (0.01, 0.1))]:
        found = golden.scores.copy()
        faulty = run_faulty(target, golden, patch, Shortcuts())
        found[faulty.rows] = faulty.scores
        other = moved.scores.copy()
        faulty = run_faulty(target, moved, patch, Shortcuts())
        other[faulty.rows] = faulty.scores
        assert np.array_equal(other, found[order.numpy()])
        loops = [loop(source, patch, image) for image in x.double().numpy()]
        expected, bound = np.stack([each for each, _ in loops]), np.stack([error for _, error in loops])
        wrong += int((np.abs(found - expected) > bound).sum())
        sure = (expected - bound).max(1, keepdims=True)
        ties += int(((expected + bound >= sure).sum(1) > 1).sum())
    return wrong, ties


@pytest.mark.parametrize("out", OUT.values(), ids=OUT)
@pytest.mark.parametrize(("make", "shape"), [(perceptron, (12,)), (convolutional, (2, 6, 6))])
def test_scores_are_those_of_the_stored_integers(
    make: Callable[[int], nn.Module], shape: tuple[int, ...], out: float
) -> None:
    found = [differing(make(seed), shape, seed=seed, out=out) for seed in range(4)]
    assert sum(wrong for wrong, _ in found) == 0
    assert sum(ties for _, ties in found) <= 3  # of 288


@pytest.mark.slow
@pytest.mark.parametrize("out", OUT.values(), ids=OUT)
@pytest.mark.parametrize(("make", "shape"), [(perceptron, (12,)), (convolutional, (2, 6, 6))])
def test_twenty_networks(make: Callable[[int], nn.Module], shape: tuple[int, ...], out: float) -> None:
    found = [differing(make(seed), shape, seed=seed, out=out, count=100) for seed in range(20)]
    assert sum(wrong for wrong, _ in found) == 0
    assert sum(ties for _, ties in found) <= 30  # of 6000


def campaign(source: Source, x: Tensor, labels: Tensor, **more: object) -> tuple[float, list[float], str]:
    settings = InjectSettings(**{"fault": BitFlip(ber=0.01), "maps": 4, **more})  # pyright: ignore
    found = inject(source, Prepared(x, labels), settings)
    return found.accuracy_golden, list(found.rows[0].accuracies), found.arithmetic


@pytest.mark.parametrize("fault", [BitFlip(ber=0.01), SaturatedNeuron(rate=0.1)], ids=["weights", "neurons"])
def test_a_campaign_does_not_ask_which_images_came_first(fault: BitFlip | SaturatedNeuron) -> None:
    """One image far out, at the front, or behind the first 256, or whatever batches there are."""
    x = images((12,), 300, 1, 0.0)
    x[0, 3] = -9999.0
    source = capture(perceptron(2).eval(), x[:2])
    labels = torch.from_numpy(np.stack([loop(source, Patch(), image)[0] for image in x.double().numpy()]).argmax(1))
    found = campaign(source, x, labels, fault=fault)
    assert found[0] == 1.0
    assert found == campaign(source, x.flip(0), labels.flip(0), fault=fault)
    assert found == campaign(source, x, labels, fault=fault, batch_size=7)
    assert found[2].endswith("; 1 images of wide range in parts")
    assert "wide" not in campaign(source, x[1:], labels[1:], fault=fault)[2]


def test_a_mean_of_zeros() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(nn.functional.avg_pool2d(torch.relu(x), 2).flatten(1))

    x = -torch.rand(5, 1, 4, 4)
    source = capture(Net().eval(), x)
    assert campaign(source, x, torch.zeros(5, dtype=torch.int64))[0] in {0.0, 1.0}
