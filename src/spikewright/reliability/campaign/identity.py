"""What makes a campaign this one and no other: everything that a map's outcome depends on, and a short name for it."""

import hashlib
import json
from dataclasses import asdict
from typing import Any, NamedTuple

import torch
from pydantic import TypeAdapter
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.measure.samples import Prepared
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.signature import signature

# Of what a map does to a network; records of another version are another campaign's
VERSION = 1
REAL_VERSION = 2  # of spiking networks that may read values that are no whole numbers
ORDINARY_VERSION = 3


class Campaign(NamedTuple):
    """What makes a campaign this one and no other."""

    name: str
    described: dict[str, Any]


def identity(network: Blueprint | Source, samples: Prepared, settings: InjectSettings) -> Campaign:
    """A short name that depends on everything that a map's outcome depends on, and what that is in words."""
    fault = settings.fault
    described = {
        "version": _version(network),
        "network": _digest(network),
        "images": hashlib.blake2b(
            _bytes(samples.only) + _bytes(samples.labels.to(torch.int64)), digest_size=8
        ).hexdigest(),
        "count": len(samples.labels),
        "fault": TypeAdapter(type(fault)).dump_python(fault, mode="json"),
        "quantisation": {name: value for name, value in asdict(settings.format).items() if value is not None},
        "seed": settings.seed,
    }
    if settings.protection is not None:
        described["protection"] = asdict(settings.protection)
    text = json.dumps(described, sort_keys=True)
    return Campaign(hashlib.blake2b(text.encode(), digest_size=8).hexdigest(), described)


def _version(network: Blueprint | Source) -> int:
    if isinstance(network, Source):
        return ORDINARY_VERSION
    clocked, stages = network.plan.encoder.clocked, network.plan.stages
    return VERSION if not clocked and all(stage.firing.schedule.waits for stage in stages) else REAL_VERSION


def _digest(network: Blueprint | Source) -> str:
    structure = repr(network.nodes) if isinstance(network, Source) else signature(network.plan)
    found = hashlib.blake2b(structure.encode(), digest_size=8)
    for name in sorted(network.arrays):
        found.update(name.encode())
        found.update(_bytes(network.arrays[name]))
    return found.hexdigest()


def _bytes(array: Tensor) -> bytes:
    return array.detach().cpu().contiguous().numpy().tobytes()
