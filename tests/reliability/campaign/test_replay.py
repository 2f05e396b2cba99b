"""A map run again: the same outcome as in its campaign, and its flips found by comparing words bit by bit."""

import numpy as np
import pytest
import torch
from support import trained

from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.quantise import quantise, store
from spikewright.errors import BadSetting
from spikewright.measure.samples import Prepared
from spikewright.reliability.campaign.inject import inject
from spikewright.reliability.campaign.replay import replay
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.faults.dead_neuron import DeadNeuron
from spikewright.reliability.sites import Memory, Sites


def samples() -> Prepared:
    draw = torch.Generator().manual_seed(0)
    source = trained.classifier(15, 15)
    return Prepared(torch.rand(30, *source.input_shape, generator=draw), torch.arange(30) % 10)


@pytest.mark.parametrize("spiking", [True, False])
@pytest.mark.parametrize("scope", ["model", "layer"])
def test_every_map_of_a_campaign_comes_out_again(spiking: bool, scope: str) -> None:
    source = trained.classifier(15, 15)
    network = Exact(timesteps=4)(source, None) if spiking else source
    settings = InjectSettings(fault=BitFlip(ber=0.02), maps=3, scope=scope, seed=5)  # pyright: ignore[reportArgumentType]
    whole = inject(network, samples(), settings)
    for row in whole.rows:
        for number in range(3):
            found = replay(network, samples(), settings, number, stratum=row.stratum)
            assert found.accuracy == row.accuracies[number]
            assert found.accuracy_golden == whole.accuracy_golden
            assert (found.outcome.hits, found.outcome.masked) == (row.hits[number], row.masked[number])
            assert len(found.flips) == row.hits[number]
            assert found.campaign == whole.campaign


def test_flips_are_those_of_the_words() -> None:
    source = trained.classifier(15, 15)
    blueprint = Exact(timesteps=4)(source, None)
    settings = InjectSettings(fault=BitFlip(ber=0.01), seed=2)
    for network in (blueprint, source):
        found = replay(network, samples(), settings, 7)
        if network is source:
            arrays = {name: saved.integers for name, saved in store(source, settings.format).items()}
            readers = [
                (node.name, dict(node.arrays)["weight"]) for node in source.nodes if "weight" in dict(node.arrays)
            ]
        else:
            stored = quantise(blueprint, settings.format)
            readers = [(node.name, f"{node.name}.weight") for node in stored.plan.nodes if node.weights is not None]
            arrays = {name: stored.arrays[name] for _, name in readers}
        memories = [
            Memory(
                name=layer, integers=arrays[name].numpy().astype(np.int64).ravel(), bits=8, positions=tuple(range(8))
            )
            for layer, name in readers
        ]
        patch = settings.fault.patch(Sites(memories=tuple(memories)), Draw(2, "model", 7))
        wanted = []
        for memory, (layer, name) in zip(memories, readers, strict=True):
            faulty = memory.integers.copy()
            faulty[patch.weights[layer].places] = patch.weights[layer].integers
            for place in np.ndindex(*arrays[name].shape):
                before = int(arrays[name][place])
                after = int(faulty.reshape(arrays[name].shape)[place])
                for bit in range(8):
                    if ((before % 256) >> bit) % 2 != ((after % 256) >> bit) % 2:
                        wanted.append((layer, name, place, bit, before, after))
        assert [tuple(flip) for flip in found.flips] == wanted
        assert len(wanted) == found.outcome.hits > 0


def test_neurons_have_no_flips_but_layers() -> None:
    found = replay(trained.classifier(15, 15), samples(), InjectSettings(fault=DeadNeuron(count=3)), 0)
    assert (found.flips, found.pixels, found.outcome.hits) == ((), False, 3)
    assert found.stages
    assert found.to_json()["stages"] == list(found.stages)


def test_refusals() -> None:
    source, settings = trained.classifier(15, 15), InjectSettings(fault=BitFlip(ber=0.1), scope="layer")
    with pytest.raises(BadSetting, match="of which of 3 parts"):
        replay(source, samples(), settings, 0)
    with pytest.raises(BadSetting, match="no part 'layer:nope'"):
        replay(source, samples(), settings, 0, stratum="layer:nope")
    with pytest.raises(BadSetting, match="numbered from 0 on"):
        replay(source, samples(), settings, -1)
