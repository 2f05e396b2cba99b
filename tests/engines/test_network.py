"""A spiking network as a module: its state dict restores it, and copies of it are the same network."""

import copy
import io
import pickle
from functools import partial

import pytest
import torch
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from support.converted import converted
from torch import Tensor, nn

from spikewright.engines.lower.integer import IntegerMode
from spikewright.engines.network import STATE, SpikingNetwork, build
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform

NAME = "conv_bn_relu"


def blueprint() -> Blueprint:
    return converted(NAME)[0]


def inputs(network: SpikingNetwork) -> Tensor:
    own = next(network.program.buffers()).dtype
    return converted(NAME)[2].to(own)


def records(network: SpikingNetwork) -> list[Tensor]:
    x = inputs(network)
    with torch.no_grad():
        return [record.codes for run in (network.collapse(x), network.walk(x)) for record in run]


def same(left: SpikingNetwork, right: SpikingNetwork) -> bool:
    return all(torch.equal(one, other) for one, other in zip(records(left), records(right), strict=True))


def shifted(by: float = 0.5) -> Blueprint:
    """Another network with the same plan: its weights are smaller."""
    arrays = {name: array * by if name.endswith("weight") else array for name, array in blueprint().arrays.items()}
    return Blueprint(blueprint().plan, arrays)


MAKERS = {
    "float32": build,
    "float64": partial(build, dtype=torch.float64),
    "integers": partial(build, lower=IntegerMode(weights=Uniform(bits=8)).lower),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_state_dict_restores_the_network(kind: str) -> None:
    network, other = MAKERS[kind](blueprint()), MAKERS[kind](shifted())
    assert not same(network, other)
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    assert str(other.load_state_dict(torch.load(file, weights_only=True))) == "<All keys matched successfully>"
    assert same(network, other)
    assert all(torch.equal(other.blueprint.arrays[name], array) for name, array in blueprint().arrays.items())


def test_it_holds_every_array_of_the_blueprint_under_its_name() -> None:
    network = build(blueprint())
    state = network.state_dict()
    assert {name.removeprefix(STATE) for name in state} == set(blueprint().arrays)
    for name, array in blueprint().arrays.items():
        assert torch.equal(state[STATE + name], array) and state[STATE + name].dtype == array.dtype
    again = build(shifted())
    again.load_state_dict(load_safetensors(save_safetensors({name: each.clone() for name, each in state.items()})))
    assert same(network, again)


def test_a_network_within_a_module_is_restored_with_it() -> None:
    def around(inner: SpikingNetwork) -> nn.Module:
        return nn.ModuleDict({"program": inner, "head": nn.Linear(3, 2)})

    one, other = around(build(blueprint())), around(build(shifted()))
    other.load_state_dict(one.state_dict())
    assert same(one["program"], other["program"])  # pyright: ignore[reportIndexIssue]
    assert torch.equal(one.head.weight, other.head.weight)  # pyright: ignore[reportAttributeAccessIssue]


def test_what_does_not_fit_is_an_error() -> None:
    before, good = records(build(shifted())), build(blueprint()).state_dict()
    first = next(iter(good))
    threshold = next(name for name in good if name.endswith(".threshold"))
    for state, words, loads in (
        ({}, "Missing key", False),
        ({name: array for name, array in good.items() if name != first}, rf"Missing key.*{first}", True),
        ({**good, "fc.weight": torch.ones(2)}, r"Unexpected key.*fc\.weight", True),
        ({**good, first: torch.ones(3, 7, 5)}, rf"size mismatch for {first}: \(3, 7, 5\) is given", False),
        ({**good, first: good[first].reshape(-1)}, f"size mismatch for {first}", False),
        ({**good, threshold: -good[threshold]}, "must be positive", False),
        ({**good, first: good[first] * torch.nan}, "not finite", False),
    ):
        network = build(shifted())
        with pytest.raises(RuntimeError, match="(?s)" + words):
            network.load_state_dict(state)
        unchanged = all(torch.equal(one, other) for one, other in zip(records(network), before, strict=True))
        assert unchanged != loads, words  # as torch does: what fits is loaded, and what is missing is an error


def test_not_strictly_what_is_there_is_loaded() -> None:
    network = build(shifted())
    state = build(blueprint()).state_dict()
    found = network.load_state_dict({**state, "fc.weight": torch.ones(2)}, strict=False)
    assert same(network, build(blueprint())) and not found.missing_keys
    network = build(shifted())
    network.load_state_dict({}, strict=False)
    assert same(network, build(shifted()))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
@pytest.mark.parametrize("kind", MAKERS)
def test_a_copy_and_a_pickle_are_the_same_network(kind: str, again) -> None:
    network = MAKERS[kind](blueprint())
    assert same(again(network), network)
    assert repr(again(network)) == repr(network)
    assert again(network).training == network.training
    moved = build(blueprint()).double()  # folded in float32, run in float64
    assert same(again(moved), moved)
    loaded = MAKERS[kind](shifted())
    loaded.load_state_dict(network.state_dict())
    assert same(again(loaded), network)


def test_a_pickle_is_the_blueprint_and_little_more() -> None:
    network = build(blueprint())
    arrays = len(pickle.dumps(network.blueprint))
    assert len(pickle.dumps(network)) < arrays + 2000


def test_a_copy_shares_nothing_and_keeps_its_hooks() -> None:
    network = build(blueprint())
    seen: list[int] = []
    network.register_forward_hook(lambda *_: seen.append(1))
    copied = copy.deepcopy(network)
    copied.load_state_dict(build(shifted()).state_dict())
    assert same(network, build(blueprint()))
    copied(inputs(copied))
    assert seen == [1]
