"""Engines that lay numbers out for themselves say that they have no state dict, and are copied and pickled whole."""

import copy
import pickle
from functools import cache

import pytest
import torch
from support.converted import converted
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
from spikewright.engines.runtimes import Runner
from spikewright.engines.runtimes.int8 import Int8
from spikewright.engines.runtimes.packed import Packed
from spikewright.errors import BadModel
from spikewright.models.resnet import ResNet
from spikewright.training.snn.network import TrainingNetwork
from spikewright.training.snn.recipes import options, spiking_training


@cache
def networks() -> dict[str, tuple[Runner, Tensor]]:
    blueprint, _, x = converted("conv_bn_relu")
    torch.manual_seed(0)
    source = capture(ResNet((8, 16), (1, 1), channels=3, classes=5).eval(), torch.rand(2, 3, 8, 8))
    chosen = options({"membrane_bits": 4, "weight_bits": 1, "timesteps": 3}, "paper3")
    trained = TrainingNetwork(source, spiking_training(chosen).network).train()
    with torch.no_grad():
        trained(torch.rand(2, 3, 8, 8) * 2)
    packed = Packed()(trained.eval().freeze()).runner
    return {"int8": (Int8()(blueprint).runner, x.float()), "packed": (packed, torch.rand(3, 3, 8, 8) * 2)}


@pytest.mark.parametrize("name", ["int8", "packed"])
def test_no_state_dict_is_made_or_taken(name: str) -> None:
    network: nn.Module = networks()[name][0]  # pyright: ignore[reportAssignmentType]
    for refused in (network.state_dict, lambda: network.load_state_dict({})):
        with pytest.raises(BadModel, match=r"has no state dict: .*: save the network that it was made from") as caught:
            refused()
        assert "\n" not in str(caught.value)


def test_nor_where_it_is_part_of_a_module() -> None:
    around = nn.ModuleDict({"inner": networks()["int8"][0]})  # pyright: ignore[reportArgumentType]
    for refused in (around.state_dict, lambda: around.load_state_dict({})):
        with pytest.raises(BadModel, match="Int8Network has no state dict"):
            refused()


@pytest.mark.parametrize("again", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
@pytest.mark.parametrize("name", ["int8", "packed"])
def test_a_copy_and_a_pickle_give_the_same_codes(name: str, again) -> None:
    network, x = networks()[name]
    expected, found = list(network.collapse(x)), list(again(network).collapse(x))
    assert len(found) == len(expected) > 1
    assert all(torch.equal(one.codes, other.codes) for one, other in zip(found, expected, strict=True))
    assert sum(int(record.codes.count_nonzero()) for record in expected) > 0
