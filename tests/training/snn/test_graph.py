"""The graph that is trained: neurons for activations, pools before them, and which layers are its edges."""

import pytest
import torch
from support import zoo
from support.converted import captured
from support.zoo import Net
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.ann.ops.activations import Activation
from spikewright.ann.source import Source
from spikewright.errors import BadModel, UnsupportedModule
from spikewright.training.snn.graph import READOUT_NEURONS, spiking_source, weighted_layers

POOLED = ["max_pool_shapes", "inception", "two_max_pools_in_a_row", "adaptive_max_pool", "pooled_and_unpooled_readers"]


@pytest.mark.parametrize("name", [*POOLED, "resnet", "densenet", "constants", "output_read_elsewhere"])
def test_pools_before_activations_change_nothing_in_a_relu_network(name: str) -> None:
    """max-pool(act(z)) = act(max-pool(z)), and what is not read any more is gone."""
    source, x, _ = captured(name)
    arranged = spiking_source(source)
    torch.testing.assert_close(interpreter.run(arranged, x), interpreter.run(source, x))
    made = {node.name: node for node in arranged.nodes}
    for node in arranged.nodes:
        if node.op.kind in ("max_pool", "adaptive_max_pool"):
            assert not isinstance(made[node.inputs[0]].op, Activation) if node.inputs[0] in made else True
    read = {name for node in arranged.nodes for name in node.inputs} | {arranged.output}
    assert all(node.name in read for node in arranged.nodes)
    assert set(arranged.arrays) == {array for node in arranged.nodes for _, array in node.arrays}
    assert arranged.output_shape == source.output_shape


def test_levels_and_caps_are_dropped_and_the_source_is_left_alone() -> None:
    source, _, _ = captured("trained_levels")
    before = source.nodes
    arranged = spiking_source(source)
    assert {node.op for node in arranged.activations} == {Activation()}
    assert not any("threshold" in name for name in arranged.arrays)
    assert source.nodes == before and any(node.op != Activation() for node in source.activations)
    capped, _, _ = captured("clipped_activations")
    assert {node.op for node in spiking_source(capped).activations} == {Activation()}


def test_biases_of_linear_maps_go_and_those_of_batch_norm_stay() -> None:
    source, _, _ = captured("conv_bn_relu")
    arranged = spiking_source(source, biases=False)
    roles = {node.name: dict(node.arrays).keys() for node in arranged.nodes}
    assert all("bias" not in roles[node.name] for node in arranged.nodes if node.op.kind in ("conv", "linear"))
    assert all("bias" in roles[node.name] for node in arranged.nodes if node.op.kind == "batch_norm")
    with_biases = spiking_source(source)
    assert sum("bias" in dict(node.arrays) for node in with_biases.nodes) == 5


def test_neurons_after_the_output_where_none_are() -> None:
    source, _, _ = captured("mlp")
    assert spiking_source(source, firing_readout=True).output == READOUT_NEURONS
    assert spiking_source(source, firing_readout=True).output_shape == source.output_shape
    already, _, _ = captured("output_is_a_relu")
    assert spiking_source(already, firing_readout=True).output == already.output


EDGES = {
    "mlp": {"first": ["0"], "last": ["4"], "inner": ["2"]},
    "resnet": {"first": ["0"], "last": ["9"], "inner": ["3.conv1", "3.conv2", "4.conv1", "4.conv2", "4.shortcut.0"]},
    "bias_through_two_padded_convs": {"first": ["0", "1"], "last": ["4.1"], "inner": []},
    "output_is_a_relu": {"first": ["0"], "last": ["3"], "inner": []},
    "output_read_elsewhere": {"first": ["a"], "last": ["b", "c"], "inner": []},
}


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize("fires", [False, True])
def test_the_first_and_the_last_layer(name: str, fires: bool) -> None:
    source, _, _ = captured(name)
    found = weighted_layers(spiking_source(source, firing_readout=fires))
    expected = EDGES[name]
    for layer in (*expected["first"], *expected["last"]):
        assert found[layer], layer
    assert not any(found[layer] for layer in expected["inner"])
    if name != "resnet":
        assert set(found) == {layer for group in expected.values() for layer in group}


def _source(compute, **layers: nn.Module) -> Source:
    model, x = zoo.prepare(lambda: Net(compute, **layers), (3, 8, 8))
    return capture(model, x)


def _averaged(m: Net, x: Tensor) -> Tensor:
    return m.head(F.max_pool2d(F.avg_pool2d(F.relu(m.conv(x)), 2), 2))


def _joined(m: Net, x: Tensor) -> Tensor:
    a = F.relu(m.conv(x))
    return m.head(F.max_pool2d(torch.cat([a, a], 1), 4))


def _padded(m: Net, x: Tensor) -> Tensor:
    return m.head(F.max_pool2d(F.pad(F.relu(m.conv(x)), (0, 0, 4, 4)), 4))


def _scaled(m: Net, x: Tensor) -> Tensor:
    return m.head(F.max_pool2d(-0.5 * F.relu(m.conv(x)), 2))


def _normalised(m: Net, x: Tensor) -> Tensor:
    one = torch.ones(4)
    return m.head(F.max_pool2d(F.batch_norm(F.relu(m.conv(x)), 0 * one, one), 2))


def _offset(m: Net, x: Tensor) -> Tensor:
    return m.head(F.max_pool2d(F.relu(m.conv(x)) + 0.5, 2))


def _summed(m: Net, x: Tensor) -> Tensor:
    a = F.relu(m.conv(x))
    return m.head(F.max_pool2d(a + a, 2))


@pytest.mark.parametrize(
    ("compute", "features", "words"),
    [
        (_averaged, 16, "reads spikes that were joined, averaged, scaled or normalised"),
        (_joined, 32, "reads spikes that were joined, averaged, scaled or normalised"),
        (_padded, 32, "reads spikes that were joined, averaged, scaled or normalised"),
        (_scaled, 64, "reads spikes that were joined, averaged, scaled or normalised"),
        (_normalised, 64, "reads spikes that were joined, averaged, scaled or normalised"),
        (_offset, 64, "reads spikes that were joined, averaged, scaled or normalised"),
        (_summed, 64, "'max_pool' is computed of a window's total"),
    ],
)
def test_pools_that_cannot_stand_before_the_neurons(compute, features: int, words: str) -> None:
    source = _source(
        compute, conv=nn.Conv2d(3, 4, 3, padding=1), head=nn.Sequential(nn.Flatten(), nn.Linear(features, 3))
    )
    with pytest.raises((BadModel, UnsupportedModule), match=words) as caught:
        spiking_source(source)
    assert "\n" not in str(caught.value)


def test_a_network_without_activations_is_refused() -> None:
    source, _, _ = captured("linear_only")
    with pytest.raises(BadModel, match="no ReLU that a neuron could take the place of: add activations"):
        spiking_source(source)
    assert spiking_source(source, firing_readout=True).output == READOUT_NEURONS, "neurons after it are enough"


@pytest.mark.parametrize("name", ["squeeze_and_excitation", "layer_norms", "max_pool_of_the_input"])
def test_what_is_computed_of_totals_is_refused_by_name(name: str) -> None:
    with pytest.raises(BadModel, match=r"^node '.*': operation '\w+' is computed of a window's total, and") as caught:
        spiking_source(captured(name)[0])
    assert "\n" not in str(caught.value)
