"""A campaign's name: other where an outcome could be, the same where it cannot."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from support.campaign_networks import RATE, direct, ordinary
from support.handmade import aligned, branched, dyadic
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.conversion.align import Joining
from spikewright.conversion.quantise import quantise
from spikewright.measure.samples import Prepared
from spikewright.reliability.campaign.identity import identity
from spikewright.reliability.campaign.protection import Protection
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.faults.stuck_at import StuckAt
from spikewright.reliability.injectable.propagate import Shortcuts
from spikewright.reliability.workers.pool import Workers
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.nodes import Stage
from spikewright.training.snn.settings import SpikingSettings

SETTINGS = InjectSettings(fault=BitFlip(ber=0.01))


def name(network: Blueprint | Source | None = None, samples: Prepared | None = None, **more: Any) -> str:
    default, images = direct("mlp", RATE)
    found = identity(default if network is None else network, samples or images, replace(SETTINGS, **more))
    assert len(found.name) == 16 and int(found.name, 16) >= 0
    return found.name


def _with(blueprint: Blueprint, array: str, change: Tensor) -> Blueprint:
    return Blueprint(blueprint.plan, {**blueprint.arrays, array: blueprint.arrays[array] + change})


def test_the_same_campaign_has_the_same_name() -> None:
    network, images = direct("mlp", RATE)
    same = Blueprint(network.plan, {each: array.clone() for each, array in reversed(list(network.arrays.items()))})
    strided = torch.stack([images.inputs, images.inputs], 2)[:, :, 0]
    assert name() == name(same, Prepared(strided.requires_grad_(), images.labels.to(torch.int32)))
    assert name() == name(
        maps=7, precision=0.01, cap=500, level=0.9, scope="layer", layer="0", bit=3, batch_size=7,
        workers=Workers(count=2), shortcuts=Shortcuts(rows=False),
    )  # fmt: skip


def test_a_campaign_that_is_on_disk_keeps_its_name() -> None:
    """These names are of the day that each image got a grid of its own; records under them must be found."""
    network = aligned(branched(dyadic(1), (2, 4, 4, 2, 4)), Joining("average", "average"))
    images = Prepared(torch.arange(8.0).reshape(2, 4) / 8, torch.tensor([0, 1]))
    assert name(network, images) == "981765120c5d3a74"
    assert name(quantise(network, Uniform(bits=8)), images) == "52f56f76db766017"


def test_whatever_an_outcome_depends_on_gives_another_name() -> None:
    network, images = direct("mlp", RATE)
    slower = replace(RATE, timesteps=5)
    weight = next(each for each in network.arrays if each.endswith(".weight"))
    leaky = [
        replace(node, firing=replace(node.firing, law=Leaky(leak=0.91, reset="delayed")))
        if isinstance(node, Stage)
        else node
        for node in network.plan.nodes
    ]
    others = [
        name(direct("mlp_batch_norm", RATE)[0]),
        name(direct("mlp", slower)[0]),
        name(direct("mlp", SpikingSettings(timesteps=4, encoding="rate", seed=1, neurons=RATE.neurons))[0]),
        name(Blueprint(replace(network.plan, nodes=tuple(leaky)), network.arrays)),
        name(_with(network, weight, torch.tensor(1e-6))),
        name(ordinary("mlp")[0]),
        name(samples=Prepared(images.inputs[:-1], images.labels[:-1])),
        name(samples=Prepared(images.inputs.flip(0), images.labels)),
        name(samples=Prepared(images.inputs, images.labels.flip(0))),
        name(samples=Prepared(images.inputs + 1e-6, images.labels)),
        name(fault=BitFlip(ber=0.02)),
        name(fault=BitFlip(count=1)),
        name(fault=BitFlip(bits={"0": ((0, 1),)})),
        name(fault=StuckAt(ber=0.01)),
        name(fault=StuckAt(ber=0.01, at=1)),
        name(bits=4),
        name(per_channel=True),
        name(weight_range=2.0),
        name(protection=Protection(ecc=1)),
        name(protection=Protection(ecc=2)),
        name(protection=Protection(clip=True)),
        name(seed=1),
    ]
    assert len({name(), *others}) == len(others) + 1


def test_it_says_what_it_is_in_words() -> None:
    network, images = direct("mlp", RATE)
    described = identity(network, images, replace(SETTINGS, seed=4)).described
    assert described["fault"] == {"kind": "bit_flip", "ber": 0.01, "count": None, "bits": None}
    assert (described["seed"], described["count"]) == (4, 20)
    assert described["quantisation"] == {"bits": 8, "per_channel": False, "kind": "uniform"}


@pytest.mark.parametrize("network", ["mlp", "resnet", "conv_transposed_2d", "shared_layers"])
def test_every_number_of_a_network_counts(network: str) -> None:
    blueprint, images = direct(network, RATE, 4)
    source, _ = ordinary(network, 4)
    for stored in (blueprint, source):
        names = {identity(stored, images, SETTINGS).name}
        own = {id(values): values for values in stored.arrays.values()}  # shared ones once
        for values in own.values():
            other = values.clone()
            other.view(-1)[-1] += 1e-3
            alike = {name: other for name, each in stored.arrays.items() if each is values}
            names.add(identity(replace(stored, arrays={**stored.arrays, **alike}), images, SETTINGS).name)
        assert len(names) == len(own) + 1
