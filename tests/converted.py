"""Captures of the zoo's models, made once a process: tracing is what takes time."""

from functools import cache

import zoo
from torch import Tensor

from spikewright.blueprint import Blueprint
from spikewright.capturing import capture
from spikewright.methods.exact import Exact
from spikewright.source import Source
from spikewright.statistics import Statistics, observe


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
