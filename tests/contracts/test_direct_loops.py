"""Any honest model, with neurons in place of its activations, fires as loops say it should, on both engines."""

import pytest
import torch
from support import zoo
from support.converted import captured
from support.direct import case, require_equal, spikes_in_training
from torch import Tensor

from spikewright.engines.network import build
from spikewright.engines.packed.network import PackedNetwork
from spikewright.engines.record import StageRecord
from spikewright.interchange import run_folder as folder
from spikewright.snn.formats.binary import Binary
from spikewright.snn.formats.uniform import Uniform
from spikewright.training.snn.settings import NeuronSettings, SpikingSettings

# A spike less a constant that is the threshold, a tie; a pool of spikes; nothing that fires
APART = {
    "output_is_also_fired",
    "max_pool_of_a_concatenation",
    "max_pools_behind_gains",
    "max_pool_1d_behind_a_norm",
    "smooth_residual",
    "linear_only",
    *zoo.GRADED,
}

PLAIN = SpikingSettings(timesteps=3, neurons=NeuronSettings(threshold=0.6, leak=1.0))
PAPER = SpikingSettings(
    timesteps=2,
    neurons=NeuronSettings(leak=0.5, reset="hard", membrane_bits=4),
    weights=Binary(),
    edge_weights=Uniform(bits=8),
)
DELAYED = SpikingSettings(
    timesteps=4,
    encoding="frames",
    neurons=NeuronSettings(threshold=0.5, leak=0.7, learn_leak=True, reset="delayed", membrane_bits=5, squash=True),
)
COUNTED = SpikingSettings(
    timesteps=3,
    neurons=NeuronSettings(threshold=0.7, leak=0.8, membrane_bits=3),
    weights=Uniform(bits=3),
    readout="spikes",
    biases=False,
)
RATE = SpikingSettings(
    timesteps=4, encoding="rate", neurons=NeuronSettings(threshold=0.4, leak=0.9, reset="delayed"), weights=Binary()
)
SETTINGS = {"plain": PLAIN, "paper": PAPER, "delayed": DELAYED, "counted": COUNTED, "rate": RATE}
IN_ALL_WAYS = ("resnet", "bn_after_max_pool", "conv_transposed_2d")
# Each model in one way, and some in all; in other ways the means of spikes of a constant map tie at a half
WAYS = {
    name: "rate" if name == "average_pool_of_a_constant_map" else list(SETTINGS)[place % 5]
    for place, name in enumerate(name for name in zoo.ZOO if name not in APART)
}
CASES = [zoo.parameters(name, way) for name, way in WAYS.items() if name not in IN_ALL_WAYS]
CASES += [pytest.param(name, way) for name in IN_ALL_WAYS for way in SETTINGS]


def inputs(settings: SpikingSettings, x: Tensor) -> Tensor:
    """Two samples as the encoding takes them."""
    match settings.encoding:
        case "rate":
            return x[:2].abs().clamp(max=1.0)
        case "frames":
            steps = range(settings.timesteps)
            return torch.stack([x[:2].roll(step, x.dim() - 1) for step in steps], 1) * 3
        case _:
            return x[:2] * 1.5


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(("name", "way"), CASES)
def test_every_spike_is_that_of_the_loop(name: str, way: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, x, _ = captured(name)
    settings = SETTINGS[way]
    one = case(source, settings, inputs(settings, x))
    reported = require_equal(one)
    assert any(0.01 < reported.spikes[stage].mean() < 0.99 for stage in one.network.stages), (
        "the network does something"
    )
    # Nothing is nearer to a threshold than float32 rounds, so the training graph fires the same too
    for stage, spikes in spikes_in_training(one, monkeypatch).items():
        assert int((spikes.numpy() != reported.spikes[stage]).sum()) == 0, stage
    frozen = one.network.freeze()
    folder.save_blueprint(tmp_path, frozen, about={})
    loaded, _ = folder.load_blueprint(tmp_path)
    assert loaded.plan == frozen.plan
    assert torch.equal(build(frozen)(one.x), build(loaded)(one.x))
    if any(node.weights == Binary() for node in frozen.plan.nodes):
        for record in PackedNetwork(frozen).collapse(one.x):
            if isinstance(record, StageRecord):
                counts = reported.spikes[record.firing.carries].sum(0)
                assert int((record.codes.double().numpy() != counts).sum()) == 0, record.node.name
