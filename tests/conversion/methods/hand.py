"""A network small enough to be worked out by hand, in the classical scale: θ = 1, the whole current at every step.

    inputs A = 3/4, B = 1/4, G = 1/8, passed on as they are by three neurons; four neurons read those:
        C = A/2 − B + 1/4        D = A − 2B        E = −A + 3B        F = 3G
and a read-out passes their values on. All numbers are dyadic, so a tie is a tie.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.ops import Activating
from spikewright.ann.ops.activations import Activation
from spikewright.ann.source import Source
from spikewright.conversion.observe import BINS, Histogram, Statistics
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.snn.blueprint import Blueprint
from spikewright.training.ann.levels import with_levels

X = torch.tensor([[0.75, 0.25, 0.125]])
HIDDEN = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
SECOND = ((0.5, -1.0, 0.0), (1.0, -2.0, 0.0), (-1.0, 3.0, 0.0), (0.0, 0.0, 3.0))
SECOND_BIAS = (0.25, 0.0, 0.0, 0.0)


@cache
def plain() -> Source:
    """The network with ReLUs."""
    first, second, out = nn.Linear(3, 3), nn.Linear(3, 4), nn.Linear(4, 4, bias=False)
    for layer, weight, bias in ((first, HIDDEN, (0.0,) * 3), (second, SECOND, SECOND_BIAS)):
        layer.weight.data, layer.bias.data = torch.tensor(weight), torch.tensor(bias)
    out.weight.data = torch.eye(4)
    return capture(nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), out).eval(), X)


@cache
def capped(cap: float = 6.0) -> Source:
    """The network with ReLUs that end at a cap, as ReLU6 does."""
    nodes = tuple(
        replace(node, op=Activation(cap=cap)) if isinstance(node.op, Activating) else node for node in plain().nodes
    )
    return replace(plain(), nodes=nodes)


def trained(levels: int = 4, threshold: float = 1.0) -> Source:
    """The network as if training had set every threshold."""
    return with_levels(plain(), levels, {node.name: threshold for node in plain().activations})


def seen(*values: Sequence[float]) -> Statistics:
    """Statistics of activations that took these values, for each activation in turn."""
    return {node.name: histogram(taken) for node, taken in zip(plain().activations, values, strict=True)}


def histogram(values: Sequence[float]) -> Histogram:
    """One channel."""
    top = max(values)
    counts, _ = np.histogram([value for value in values if value > 0], bins=BINS, range=(0, top))
    return Histogram(torch.tensor([top]).double(), torch.tensor(counts).double().reshape(1, -1), len(values))


# Values of which the percentile and the largest are 1, or so little less that every tie still fires
JUST_ONE = [1 - 1e-9] * 50


def unit_statistics() -> Statistics:
    """The largest activation and each percentile of both layers are 1."""
    middle_of_the_last_bin = (BINS - 0.5) / BINS
    one = histogram([value / middle_of_the_last_bin for value in JUST_ONE])
    return {node.name: one for node in plain().activations}


def trains(blueprint: Blueprint) -> list[dict[str, list[int]]]:
    """The spikes of each layer by neuron, on both engines; they have to agree."""
    network = build(blueprint, dtype=torch.float64)
    x = X.double()
    found = []
    for slow, fast in zip(network.walk(x), network.collapse(x), strict=True):
        torch.testing.assert_close(slow.codes, fast.codes, rtol=1e-12, atol=1e-12)
        if not isinstance(slow, StageRecord):
            continue
        assert torch.equal(slow.counts, fast.counts.double())
        names = "ABG" if slow.train.shape[-1] == 3 else "CDEF"
        found.append({name: slow.train[:, 0, index].int().tolist() for index, name in enumerate(names)})
    return found


def thresholds(blueprint: Blueprint) -> list[float]:
    """θ by layer in the classical scale: T units of a rate code."""
    return [_theta(blueprint.arrays[f"{node.name}.threshold"], node.firing) for node in blueprint.plan.stages]


def _theta(unit: Tensor, firing) -> float:
    return float(unit) * firing.code.levels


def starts(blueprint: Blueprint) -> list[float]:
    """v0 by layer, in units."""
    arrays = blueprint.arrays
    return [
        float(arrays[f"{node.name}.initial_potential"] / arrays[f"{node.name}.threshold"])
        for node in blueprint.plan.stages
    ]


def output(blueprint: Blueprint) -> list[float]:
    """What is read out of C, D, E and F."""
    return build(blueprint, dtype=torch.float64)(X.double())[0].tolist()
