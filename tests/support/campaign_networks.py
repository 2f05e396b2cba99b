"""Small networks of every kind that campaigns run on, with images and labels for them; made once a process."""

from functools import cache

import torch
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import observe
from spikewright.measure.samples import Prepared
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.binary import Binary
from spikewright.snn.formats.uniform import Uniform
from spikewright.training.snn.settings import NeuronSettings, SpikingSettings
from support import trained, zoo
from support.converted import captured, converted
from support.direct import case

RATE = SpikingSettings(timesteps=4, encoding="rate", neurons=NeuronSettings(threshold=0.4, leak=0.9, reset="delayed"))
MIXED = SpikingSettings(
    timesteps=3,
    encoding="rate",
    neurons=NeuronSettings(threshold=0.5, leak=0.8),
    weights=Binary(),
    edge_weights=Uniform(bits=4),
    readout="spikes",
)


def samples(source: Source, count: int, seed: int = 0) -> Prepared:
    """Inputs from 0 to 1, and labels."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.rand(count, *source.input_shape, generator=generator)
    classes = source.output_shape[0] if source.output_shape else 1
    return Prepared(inputs, torch.randint(0, classes, (count,), generator=generator))


@cache
def direct(name: str, settings: SpikingSettings, count: int = 20) -> tuple[Blueprint, Prepared]:
    """A directly trained network."""
    source, _, _ = captured(name)
    made = samples(source, count)
    return case(source, settings, made.inputs[:2]).network.freeze(), made


@cache
def exact(name: str, count: int = 20) -> tuple[Blueprint, Prepared]:
    """A converted network, equal to its source."""
    blueprint, source, _ = converted(name)
    return blueprint, samples(source, count)


@cache
def ordinary(name: str, count: int = 20) -> tuple[Source, Prepared]:
    """A captured network."""
    source, _, _ = captured(name)
    return source, samples(source, count)


@cache
def of_modules(count: int, classes: int, *modules: nn.Module) -> tuple[Source, Prepared]:
    """A network of these modules on 10 numbers."""
    model, x = zoo.prepare(lambda: nn.Sequential(*modules), (10,), batch=count)
    labels = torch.randint(0, classes, (count,), generator=torch.Generator().manual_seed(1))
    return capture(model, x), Prepared(x, labels)


@cache
def digits(kind: str, count: int = 250) -> tuple[Blueprint | Source, Prepared]:
    """The digits classifier: its source, its converted network, or spiking neurons with its weights at a rate code."""
    source, data = trained.classifier(), trained.digits()
    batches = acquire.labelled(data.test, data, limit=count, batch_size=count)
    made = Prepared(*batches[0])
    if kind == "source":
        return source, made
    if kind == "exact":
        return Exact(timesteps=4)(source, observe(source, [made.inputs])), made
    settings = SpikingSettings(timesteps=8, encoding="rate", neurons=NeuronSettings(threshold=1.0, leak=1.0))
    return case(source, settings, made.inputs[:2]).network.freeze(), made
