"""Every model of the zoo trains directly, freezes, and runs as it was trained; or is refused before any training.

Frozen and trained differ by rounding alone (batch norm folded, weights as integers and gains), so a code may differ
where a membrane lies within rounding of its threshold; almost none does.
"""

import pytest
import torch
from support import zoo
from support.converted import captured

from spikewright.ann.source import INPUT
from spikewright.engines.network import build
from spikewright.errors import BadModel
from spikewright.snn.formats.binary import Binary
from spikewright.snn.formats.uniform import Uniform
from spikewright.training.snn import network as spiking_network
from spikewright.training.snn.network import TrainingNetwork
from spikewright.training.snn.settings import NeuronSettings, SpikingSettings

FULL = SpikingSettings(timesteps=3, neurons=NeuronSettings(leak=0.9, reset="delayed", threshold=0.7))
FEW_BITS = SpikingSettings(
    timesteps=2,
    neurons=NeuronSettings(leak=0.5, reset="hard", membrane_bits=4),
    weights=Binary(standardise="none"),
    edge_weights=Uniform(bits=8),
)
RATE = SpikingSettings(timesteps=4, encoding="rate", readout="spikes")
REFUSED = {
    "linear_only": "no ReLU",
    "max_pool_of_a_concatenation": "joined, averaged",
    "max_pools_behind_gains": "scaled or normalised",
    "max_pool_1d_behind_a_norm": "scaled or normalised",
    "smooth_residual": "joined, averaged",
}


@pytest.mark.parametrize("name", zoo.names(without=zoo.GRADED))
@pytest.mark.parametrize("settings", [FULL, FEW_BITS, RATE], ids=["full", "few_bits", "rate"])
def test_frozen_as_trained(name: str, settings: SpikingSettings) -> None:
    source, x, _ = captured(name)
    if name in REFUSED and not (name == "linear_only" and settings.readout == "spikes"):
        with pytest.raises(BadModel, match=REFUSED[name]):
            TrainingNetwork(source, settings)
        return
    network = TrainingNetwork(source, settings).train()
    for step in range(3):
        found = network.run(x, key=(step,), regulated=True)
        (found.output.square().mean() + found.rates.sum()).backward()
    assert all(bool(p.grad.isfinite().all()) for p in network.parameters() if p.grad is not None)
    network.eval()
    with torch.no_grad():
        trained = network(x)
        blueprint = network.freeze()
        frozen = build(blueprint)
        walked = {record.node.name: record.codes for record in frozen.walk(x)}
        collapsed = {record.node.name: record.codes for record in frozen.collapse(x)}
    last = blueprint.plan.readout.name
    for stage, codes in walked.items():
        if stage != last:
            assert torch.equal(codes, collapsed[stage]), stage
    off = (walked[last] - trained.sum(0)).abs()
    near = 1e-4 * (1 + trained.sum(0).abs().max())
    assert float((off > near).double().mean()) <= 0.05, "all but rounding at a threshold"
    assert torch.allclose(walked[last], collapsed[last], rtol=1e-4, atol=1e-4)
    assert blueprint.plan.consumers[INPUT]


def test_membranes_stay_in_float32_under_autocast() -> None:
    source, x, _ = captured("resnet")
    network = TrainingNetwork(source, FULL).eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        output = network(x)
        seen: list[torch.dtype] = []
        real = spiking_network.scan
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(spiking_network, "scan", lambda z, **how: (seen.append(z.dtype), real(z, **how))[1])
            again = network(x)
    assert torch.equal(output, again)
    assert set(seen) == {torch.float32}
