"""Ordinary networks against float64 loops over their stored integers, image by image, with images of any range."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
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
NEAR = 1e-5  # of the largest score: how near to one another the two best have to be to count as a tie
CLOSE = 1e-4  # of the largest score: values are rounded to float32 between layers, and a far-out one may cancel
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


def loop(source: Source, patch: Patch, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """One image through the network in float64, from its stored integers."""
    stored, values = store(source, BITS), {"input": x}
    for node in source.nodes:
        op, arrays, given = node.op, dict(node.arrays), values[node.inputs[0]]
        if op.kind in {"linear", "conv"}:
            entry = stored[arrays["weight"]]
            integers = entry.integers.numpy().astype(np.float64)
            if node.name in patch.weights:
                flat = integers.reshape(-1)
                flat[patch.weights[node.name].places] = patch.weights[node.name].integers
            sums = integers @ given if op.kind == "linear" else convolved(given, integers, op)  # pyright: ignore
            bias = source.arrays[arrays["bias"]].double().numpy()
            made = sums * float(entry.scale) + bias.reshape(-1, *(1,) * (sums.ndim - 1))
        elif op.kind == "average_pool":
            made = given.reshape(given.shape[0], given.shape[1] // 2, 2, given.shape[2] // 2, 2).mean((2, 4))
        elif op.kind == "reshape":
            made = given.reshape(-1)
        else:
            assert op.activates
            made = np.clip(given, 0, np.inf if op.cap is None else op.cap)  # pyright: ignore
        values[node.name] = made
    return values[source.output]


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
    """Images whose class is another than the loop's and no tie, over all maps; and how many ties there are."""
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
        expected = np.stack([loop(source, patch, image) for image in x.double().numpy()])
        assert (np.abs(found - expected) <= CLOSE * np.abs(expected).max(1, keepdims=True)).all()
        best = np.sort(expected, 1)
        tie = best[:, -1] - best[:, -2] <= NEAR * np.abs(expected).max(1)
        wrong += int(((found.argmax(1) != expected.argmax(1)) & ~tie).sum())
        ties += int(tie.sum())
    return wrong, ties


@pytest.mark.parametrize("out", OUT.values(), ids=OUT)
@pytest.mark.parametrize(("make", "shape"), [(perceptron, (12,)), (convolutional, (2, 6, 6))])
def test_the_classes_are_those_of_the_stored_integers(
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
    labels = torch.from_numpy(np.stack([loop(source, Patch(), image) for image in x.double().numpy()]).argmax(1))
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
