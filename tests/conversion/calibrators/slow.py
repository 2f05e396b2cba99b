"""Calibration the slow way: the whole network is built and run anew for every stage."""

from collections.abc import Callable

import numpy as np
import torch
from support.windows import largest_or_least
from torch import Tensor, nn

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.observe import observe
from spikewright.engines.network import build
from spikewright.snn.blueprint import Blueprint


def two_hidden_layers(timesteps: int) -> tuple[Blueprint, Source, Tensor, list[tuple[np.ndarray, np.ndarray]]]:
    """A converted net, its source, inputs, and weight and bias of each layer that fires."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 7), nn.ReLU(), nn.Linear(7, 3)).eval()
        x = torch.randn(48, 6)
    source = capture(model, x)
    blueprint = Qcfs(timesteps=timesteps)(source, observe(source, [x]))
    layers = [
        (layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy())
        for layer in (model[0], model[2])
        if isinstance(layer, nn.Linear)
    ]
    return blueprint, source, x, layers


def calibrated_slowly(
    blueprint: Blueprint,
    source: Source,
    x: Tensor,
    mean: Callable[[Tensor], Tensor],
    repair: Callable[[Blueprint, str, Tensor], Blueprint],
) -> Blueprint:
    """Mend one stage after the other, in float64."""
    values: dict[str, Tensor] = {}
    interpreter.run(source, x, watch=lambda node, value: values.__setitem__(node.name, value.double()))
    for index, node in enumerate(blueprint.plan.stages):
        record = list(build(blueprint, dtype=torch.float64).walk(x.double()))[index]
        assert record.node.name == node.name
        wanted = values[node.firing.carries]
        if node.firing.channels is not None:
            start, stop = node.firing.channels
            wanted = wanted[:, start:stop]
        if node.firing.beyond:
            wanted = largest_or_least(wanted, node.shape[-1])
        gap = mean(wanted.detach()) - mean(record.codes * blueprint.arrays[f"{node.name}.amplitude"])
        blueprint = repair(blueprint, node.name, gap)
    return blueprint
