"""The zoo's models captured and converted; each is captured once a machine."""

from functools import cache

from torch import Tensor

from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import Statistics, observe
from spikewright.snn.blueprint import Blueprint
from support import zoo
from support.captures import saved


@cache
def captured(name: str) -> tuple[Source, Tensor, Statistics]:
    """A model's source, inputs for it, and what its activations look like on them."""
    source, x = saved(name, lambda: captured_anew(name))
    return source, x, observe(source, [x])


@cache
def captured_anew(name: str) -> tuple[Source, Tensor]:
    """A model's source and inputs for it, traced in this process."""
    model, x = zoo.make(name)
    return capture(model, x), x


def converted(name: str, *, timesteps: int = 4, per_channel: bool = False) -> tuple[Blueprint, Source, Tensor]:
    """The exact spiking network of a model, its source and inputs."""
    source, x, statistics = captured(name)
    return Exact(timesteps=timesteps, per_channel=per_channel)(source, statistics), source, x
