"""What every method keeps to, on networks of several kinds; a new file in `methods/` is covered by itself."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.converted import captured
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.app.registry import configure, find, names
from spikewright.conversion.convert import convert
from spikewright.conversion.methods import Method
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.methods.qac import Qac
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.observe import Statistics
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.interchange import run_folder as folder
from spikewright.measure.equality.certificate import verify
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Stage
from spikewright.training.ann.levels import with_levels

METHODS = names("methods")
MODELS = [
    "mlp",
    "conv_bn_relu",
    "bn_after_max_pool",
    "pooled_and_unpooled_readers",
    "max_pool_of_a_concatenation",
    "max_pool_1d_behind_a_norm",
    "inception",
    "resnet",
    "densenet",
    "average_pools",
    "hardtanh_then_padded_conv",
    "fires_on_one_number",
    "trained_levels",
]
FEW = ["mlp", "bn_after_max_pool", "resnet", "trained_levels"]


def _method(name: str, **settings: Any) -> Method:
    return configure(find("methods", name), {"timesteps": 3, **settings})


def _given(name: str, model: str) -> tuple[Source, Tensor, Statistics]:
    """A model as a method takes it: SlipReLU asks for a source that was trained for it."""
    source, x, statistics = captured(model)
    if name == "slip_relu":
        thresholds = {activation: seen.top.max() * 0.8 + 0.1 for activation, seen in statistics.items()}
        source = with_levels(source, 8, thresholds, slip=0.4)
    return source, x, statistics


def _same(one: Blueprint, other: Blueprint) -> None:
    assert one.plan == other.plan
    assert hash(one.plan) == hash(other.plan)
    assert one.arrays.keys() == other.arrays.keys()
    assert all(torch.equal(array, other.arrays[name]) for name, array in one.arrays.items())


def _stored(source: Source, statistics: Statistics) -> list[Tensor]:
    seen = [tensor for one in statistics.values() for tensor in (one.top, one.counts)]
    return [*source.arrays.values(), *seen]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", METHODS)
def test_equal_engines_and_finite_values_and_equality_where_it_is_claimed(name: str, model: str) -> None:
    source, x, statistics = _given(name, model)
    method = _method(name)
    blueprint = convert(source, method, [x], statistics=statistics)
    network = build(blueprint, dtype=torch.float64)
    spikes = 0.0
    for slow, fast in zip(network.walk(x.double()), network.collapse(x.double()), strict=True):
        assert slow.node == fast.node
        assert bool(fast.codes.isfinite().all())
        if not isinstance(slow, StageRecord):
            torch.testing.assert_close(slow.codes, fast.codes, rtol=1e-11, atol=1e-11)
        else:
            assert torch.equal(slow.codes, fast.codes), slow.node.name
            assert torch.equal(slow.counts, fast.counts.double()), slow.node.name
            assert 0 <= float(fast.codes.min()) <= float(fast.codes.max()) <= slow.firing.code.levels
            assert torch.equal(slow.codes, slow.codes.round())
            spikes += float(slow.counts.sum())
    assert spikes > 0
    certificate = verify(blueprint, source, [x])
    if method.exact:
        assert certificate.mismatched_codes == 0, certificate.line()
        assert certificate.equal, certificate.line()


@pytest.mark.parametrize("name", METHODS)
def test_no_method_claims_more_than_it_holds(name: str) -> None:
    """Where a method does not claim equality, some network shows that it has none."""
    found = []
    for model in ("resnet", "trained_levels"):
        source, x, statistics = _given(name, model)
        method = _method(name, timesteps=4)
        if method.exact:
            return
        found.append(verify(convert(source, method, [x], statistics=statistics), source, [x]).equal)
    assert not all(found)


@pytest.mark.parametrize("model", FEW)
@pytest.mark.parametrize("name", METHODS)
def test_what_is_given_is_left_alone_and_the_same_comes_twice(name: str, model: str) -> None:
    source, x, statistics = _given(name, model)
    before = [tensor.clone() for tensor in _stored(source, statistics)]
    given = x.clone()
    first = convert(source, _method(name), [x], statistics=statistics)
    second = convert(source, _method(name), [x], statistics=statistics)
    _same(first, second)
    for record in build(first, dtype=torch.float64).walk(x.double()):
        assert record.codes.shape[0] == len(x)
    list(build(first).collapse(x))
    assert torch.equal(x, given)
    assert all(torch.equal(tensor, stored) for tensor, stored in zip(_stored(source, statistics), before, strict=True))


@pytest.mark.parametrize("model", FEW)
@pytest.mark.parametrize("name", METHODS)
def test_survives_its_file(name: str, model: str, tmp_path: Path) -> None:
    source, x, statistics = _given(name, model)
    blueprint = convert(source, _method(name), [x], statistics=statistics)
    folder.save_blueprint(tmp_path, blueprint, about={"method": name})
    loaded, _ = folder.load_blueprint(tmp_path)
    _same(loaded, blueprint)
    assert torch.equal(build(blueprint)(x), build(loaded)(x))


@pytest.mark.parametrize("name", METHODS)
def test_a_sample_does_not_depend_on_its_batch(name: str) -> None:
    source, x, statistics = _given(name, "max_pool_before_relu")
    network = build(convert(source, _method(name), [x], statistics=statistics), dtype=torch.float64)
    together = [record.codes for record in network.walk(x.double())]
    for run in (network.walk, network.collapse):
        alone = [record.codes for record in run(x[3:4].double())]
        for one, all_of_them in zip(alone[:-1], together[:-1], strict=True):
            assert torch.equal(one, all_of_them[3:4])


@pytest.mark.parametrize("name", METHODS)
def test_settings_come_from_text(name: str) -> None:
    """As the command line gives them."""
    assert _method(name, timesteps="3") == _method(name)


# Mixed timesteps ----------------------------------------------------------------------------------------------


def _mixed(source: Source, *, most: int) -> tuple[int, ...]:
    return tuple(1 + (5 * index + 1) % most for index in range(len(source.activations)))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("kind", "most"), [(Exact, 5), (Qac, 7)])
def test_mixed_timesteps_are_equal_too(kind: Any, most: int, model: str) -> None:
    source, x, statistics = captured(model)
    steps = _mixed(source, most=most)
    method = kind(timesteps=steps)
    assert method.exact
    blueprint = method(source, statistics)
    stages = {
        node.firing.carries: node.firing.code.timesteps for node in blueprint.plan.stages if isinstance(node, Stage)
    }
    expected = {node.name: count for node, count in zip(source.activations, steps, strict=True)}
    assert all(expected[name] == count for name, count in stages.items() if name in expected)
    certificate = verify(blueprint, source, [x])
    assert certificate.mismatched_codes == 0, certificate.line()
    assert certificate.equal, certificate.line()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("timesteps", [2, 5])
def test_qcfs_with_averaging_is_equal(model: str, timesteps: int) -> None:
    source, x, statistics = captured(model)
    method = Qcfs(timesteps=timesteps, alignment="average")
    assert method.exact
    assert verify(method(source, statistics), source, [x]).equal


@pytest.mark.parametrize("model", MODELS)
def test_qcfs_of_one_step_is_the_same_with_averaging(model: str) -> None:
    source, x, statistics = captured(model)
    plain, averaged = (
        build(Qcfs(timesteps=1, alignment=alignment)(source, statistics), dtype=torch.float64)
        for alignment in (None, "average")
    )
    for one, other in zip(plain.walk(x.double()), averaged.walk(x.double()), strict=True):
        assert one.node.name == other.node.name
        if isinstance(one, StageRecord):
            assert torch.equal(one.codes, other.codes)


@pytest.mark.parametrize("alignment", ["replicate", "average,truncate", "replicate,truncate", "replicate,average"])
@pytest.mark.parametrize("model", MODELS)
def test_other_alignments_run_on_both_engines(model: str, alignment: str) -> None:
    source, x, statistics = captured(model)
    method = Qac(timesteps=_mixed(source, most=7), alignment=alignment)
    assert not method.exact
    network = build(method(source, statistics), dtype=torch.float64)
    for slow, fast in zip(network.walk(x.double()), network.collapse(x.double()), strict=True):
        if isinstance(slow, StageRecord):
            assert torch.equal(slow.codes, fast.codes)
        torch.testing.assert_close(slow.codes, fast.codes, rtol=1e-11, atol=1e-11)
