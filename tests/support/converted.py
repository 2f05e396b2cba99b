"""Captures of the zoo's models, made once a process: tracing is what takes time."""

from functools import cache

from torch import Tensor

from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import Statistics, observe
from spikewright.snn.blueprint import Blueprint
from support import zoo


@cache
def captured(name: str) -> tuple[Source, Tensor, Statistics]:
    """A model's source, inputs for it, and what its activations look like on them."""
    model, x = zoo.make(name)
    source = capture(model, x)
    return source, x, observe(source, [x])


def converted(name: str, *, timesteps: int = 4, per_channel: bool = False) -> tuple[Blueprint, Source, Tensor]:
    """The exact spiking network of a model, its source and inputs."""
    source, x, statistics = captured(name)
    return Exact(timesteps=timesteps, per_channel=per_channel)(source, statistics), source, x
