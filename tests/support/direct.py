"""Directly trained networks, made ready and compared with their loops (`slow_clocked`)."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from spikewright.ann.ops.products import Conv
from spikewright.ann.source import Source
from spikewright.engines.network import SpikingNetwork, build
from spikewright.engines.record import StageRecord
from spikewright.snn.formats.binary import Binary
from spikewright.training.snn import network as module
from spikewright.training.snn.network import TrainingNetwork
from spikewright.training.snn.settings import SpikingSettings
from support import slow_clocked as slow

NEAR = 1e-6  # membranes this near a threshold may fall on either side, as arrays are stored in float32


@dataclass(frozen=True)
class Case:
    """A network that has seen one batch, in evaluation mode, and the inputs to run it on."""

    source: Source  # with the network's arrays as they are now
    network: TrainingNetwork
    x: Tensor

    @property
    def reported(self) -> slow.Verdicts:
        network, settings = self.network, self.network.settings
        leaks = dict.fromkeys(network.stages, settings.neurons.leak)
        if network.raw_leaks is not None:
            leaks = dict(zip(network.stages, torch.sigmoid(network.raw_leaks).tolist(), strict=True))
        neurons = slow.Neurons(
            threshold=settings.neurons.threshold,
            reset=settings.neurons.reset,
            leaks=leaks,
            bits=settings.neurons.membrane_bits,
            scales=dict(zip(network.stages, network.membrane_scales.tolist(), strict=True)),
            squash=settings.neurons.squash,
        )
        train = settings.encoder(self.x).double().numpy()
        fires = settings.readout == "spikes" and "readout_neurons" in network.stages
        return slow.loop(
            self.source, train, neurons, weights=_as_stored(self), biases=settings.biases, fires=fires
        )  # fmt: skip


def case(source: Source, settings: SpikingSettings, x: Tensor) -> Case:
    """Run one training batch through, so that membranes have scales; set leaks apart where they are learned."""
    network = TrainingNetwork(source, settings).train()
    with torch.no_grad():
        network(x)
        if network.raw_leaks is not None:
            network.raw_leaks.copy_(torch.linspace(-1.0, 1.5, len(network.stages)))
    arrays = {**source.arrays, **network.latent.to_source().arrays}
    return Case(replace(source, arrays=arrays), network.eval(), x)


def _as_stored(one: Case) -> dict[str, np.ndarray]:
    found = {}
    for node in one.source.nodes:
        saved = one.network.formats.get(node.name)
        if saved is not None:
            weight = one.source.arrays[dict(node.arrays)["weight"]].double().numpy()
            plain = not isinstance(saved, Binary) or (saved.standardise, saved.scale) == ("layer", "mean")
            assert plain, "the loop knows these alone"
            if saved.bits == 1 and isinstance(node.op, Conv) and node.op.transposed:
                found[node.name] = one_bit_transposed(weight, node.op.groups)
            else:
                found[node.name] = slow.one_bit(weight) if saved.bits == 1 else slow.few_bits(weight, saved.bits)
    return found


def one_bit_transposed(weight: np.ndarray, groups: int) -> np.ndarray:
    """The same for [in, out a group, *]: a scale for each channel that each group makes."""
    standard, inputs = (weight - weight.mean()) / weight.std(), len(weight) // groups
    made = np.where(standard >= 0, 1.0, -1.0)
    for group in range(groups):
        for channel in range(weight.shape[1]):
            block = slice(group * inputs, (group + 1) * inputs)
            made[block, channel] *= np.abs(standard[block, channel]).mean()
    return made


def require_equal(one: Case) -> slow.Verdicts:
    """Hold both engines, in float64, to the loop: every spike of every stage, and the read-out's sum over time."""
    reported = one.reported
    assert reported.closest > NEAR, "a membrane so near its threshold tells nothing: take another seed"
    frozen = build(one.network.freeze(), dtype=torch.float64)
    for engine in (frozen.walk, frozen.collapse):
        stages = []
        for record in engine(one.x.double()):
            if not isinstance(record, StageRecord):
                np.testing.assert_allclose(record.codes.numpy(), reported.output.sum(0), rtol=1e-5, atol=1e-5)
                continue
            assert record.train is not None
            assert mismatches(record, reported) == 0, (engine, record.node.name)
            stages.append(record.firing.carries)
        assert sorted(set(stages)) == sorted(one.network.stages)
    return reported


def mismatches(record: StageRecord, reported: slow.Verdicts) -> int:
    """How many spikes of a stage differ from the loop's."""
    assert record.train is not None
    expected = reported.spikes[record.firing.carries]
    assert record.train.shape == expected.shape
    return int((record.train.numpy() != expected).sum())


def spikes_in_training(one: Case, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """What the neurons of the training graph fire in evaluation mode, [T, N, *] by stage."""
    seen: list[Tensor] = []
    inner = module.scan

    def watched(*given, **more):
        spikes, peak = inner(*given, **more)
        seen.append(spikes)
        return spikes, peak

    with monkeypatch.context() as patch, torch.no_grad():
        patch.setattr(module, "scan", watched)
        one.network(one.x)
    return dict(zip(one.network.stages, seen, strict=True))


def in_float64(one: Case) -> SpikingNetwork:
    return build(one.network.freeze(), dtype=torch.float64)
