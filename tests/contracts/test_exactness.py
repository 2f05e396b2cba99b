"""Every honest model becomes a spiking network that is equal to it, code for code, on both engines."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from support import zoo
from support.converted import captured, converted
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
from spikewright.conversion.methods.exact import Exact
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.interchange import run_folder as folder
from spikewright.measure.equality.certificate import verify
from spikewright.measure.equality.quantised_source import rounding_of
from spikewright.measure.equality.reference import in_float64, refer
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.trains import decode

BUDGETS = [(1, False), (2, True), (4, False), (7, True)]
ALIVE_FROM = 3  # with fewer steps a threshold may well silence a stage


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name", zoo.names())
def test_equal_at_any_number_of_timesteps(name: str, tmp_path: Path) -> None:
    source, x, _ = captured(name)
    arrays = {key: array.clone() for key, array in source.arrays.items()}
    for timesteps, per_channel in BUDGETS:
        blueprint, _, _ = converted(name, timesteps=timesteps, per_channel=per_channel)
        certificate = verify(blueprint, source, [x[:5], x[5:]])
        assert certificate.equal, (timesteps, per_channel, certificate.line())
        assert certificate.mismatched_codes_stepwise == certificate.mismatched_codes_collapsed == 0
        assert certificate.images == len(x)
        # Beyond these levels a potential may lie on a boundary by chance
        assert certificate.proven or timesteps > 4, (timesteps, certificate.line())
        if timesteps >= ALIVE_FROM:
            dead = [(row.stage, row.active_share) for row in certificate.stages if row.active_share < 0.05]
            assert not dead, (timesteps, dead)
    _survives_its_file(converted(name, timesteps=4, per_channel=True)[0], x, tmp_path)
    assert all(torch.equal(array, arrays[key]) for key, array in source.arrays.items())


def _survives_its_file(blueprint: Blueprint, x: Tensor, path: Path) -> None:
    folder.save_blueprint(path, blueprint, about={"method": "exact"})
    loaded, about = folder.load_blueprint(path)
    assert loaded.plan == blueprint.plan
    assert hash(loaded.plan) == hash(blueprint.plan)
    assert about == {"method": "exact"}
    assert loaded.arrays.keys() == blueprint.arrays.keys()
    assert all(torch.equal(array, loaded.arrays[key]) for key, array in blueprint.arrays.items())
    assert torch.equal(build(blueprint)(x), build(loaded)(x))


@pytest.mark.parametrize("name", ["resnet", "bn_after_max_pool", "mobilenet_v2", "conv_transposed_2d"])
def test_capture_leaves_the_model_as_it_was(name: str) -> None:
    model, x = zoo.make(name)
    model.train()
    next(iter(model.children())).eval()
    modes = [module.training for module in model.modules()]
    before = {key: value.clone() for key, value in model.state_dict().items()}
    random_state = torch.get_rng_state()
    given = x.clone()
    capture(model, x)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.equal(x, given)


@pytest.mark.parametrize("name", ["resnet", "max_pool_of_a_concatenation", "linear_on_the_last_axis", "constants"])
def test_a_sample_does_not_depend_on_its_batch(name: str) -> None:
    blueprint, _, x = converted(name)
    network = build(blueprint, dtype=torch.float64)
    x = x.double()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(3))
    whole = {record.node.name: record.codes for record in network.walk(x)}
    for run in (network.walk, network.collapse):
        for record in run(x[order]):
            expected = whole[record.node.name][order]
            if not isinstance(record, StageRecord):
                torch.testing.assert_close(record.codes, expected, rtol=1e-12, atol=1e-12)
            else:
                assert torch.equal(record.codes, expected)
        alone = [record.codes for record in run(x[:1])]
        assert all(
            torch.equal(a, whole[record.node.name][:1]) or not isinstance(record, StageRecord)
            for a, record in zip(alone, run(x[:1]), strict=True)
        )


@pytest.mark.parametrize("name", ["mlp", "densenet", "inception", "trained_levels"])
def test_trains_decode_to_codes_and_counts_agree(name: str) -> None:
    blueprint, _, x = converted(name, timesteps=3)
    network = build(blueprint, dtype=torch.float64)
    for slow, fast in zip(network.walk(x.double()), network.collapse(x.double()), strict=True):
        assert slow.node == fast.node
        if not isinstance(slow, StageRecord):
            continue
        assert slow.train is not None
        assert set(slow.train.unique().tolist()) <= {0.0, 1.0}
        assert torch.equal(decode(slow.train, slow.firing.code), fast.codes)
        assert torch.equal(slow.counts.double(), fast.counts.double())


@pytest.mark.parametrize("name", ["conv_bn_relu", "resnet", "mobilenet_v2", "shufflenet"])
def test_float32_differs_only_where_rounding_allows(name: str) -> None:
    """In the first stage that differs, each mismatch lies within the float32 rounding bound."""
    blueprint, source, x = converted(name, timesteps=6)
    network = build(blueprint)
    rounding = rounding_of(blueprint, source)
    truth = refer(source, x, rounding, arrays=in_float64(source))
    for record in network.collapse(x):
        if not isinstance(record, StageRecord):
            break
        carried = record.firing.carries
        unit = blueprint.arrays[f"{record.node.name}.threshold"]
        wrong = record.codes != (truth.values[carried] / unit).round()
        if bool(wrong.any()):
            margin = truth.margins[carried]
            assert bool((margin.distance <= 2 * margin.bound * 2**29)[wrong].all())
            return


@pytest.mark.parametrize(
    "name",
    ["mlp", "conv_bn_relu", "resnet", "densenet", "average_pools", "linear_on_the_last_axis", "max_pools_behind_gains"],
)
@pytest.mark.parametrize("settings", [{"left_shift": False}, {"bias_shift": False}, {}])
def test_engines_agree_without_postponed_firing(name: str, settings: dict[str, bool]) -> None:
    """Lockstep has no closed form beyond a constant input, but both engines still tell the same story."""
    source, x, statistics = captured(name)
    blueprint = Exact(timesteps=3, postponed_firing=False, **settings)(source, statistics)
    network = build(blueprint, dtype=torch.float64)
    for slow, fast in zip(network.walk(x.double()), network.collapse(x.double()), strict=True):
        if not isinstance(slow, StageRecord):
            torch.testing.assert_close(slow.codes, fast.codes, rtol=1e-11, atol=1e-11)
        else:
            assert torch.equal(slow.codes, fast.codes)
            assert slow.train is not None
            assert torch.equal(slow.counts, fast.counts.double())
            assert fast.train is None or torch.equal(slow.train, fast.train)


def test_rate_code_with_postponed_firing_is_exact_too() -> None:
    source, x, statistics = captured("resnet")
    assert verify(Exact(timesteps=5, left_shift=False)(source, statistics), source, [x]).equal


# What must be found out -------------------------------------------------------------------------------------


def _with(blueprint: Blueprint, suffix: str, change) -> Blueprint:
    arrays = {name: change(array) if name.endswith(suffix) else array for name, array in blueprint.arrays.items()}
    return Blueprint(blueprint.plan, arrays)


@pytest.mark.parametrize("timesteps", [1, 2, 4, 6])
def test_without_the_half_step_it_is_not_equal(timesteps: int) -> None:
    blueprint, source, x = converted("conv_bn_relu", timesteps=timesteps)
    floored = _with(blueprint, ".initial_potential", torch.zeros_like)
    certificate = verify(floored, source, [x])
    assert not certificate.equal
    assert certificate.mismatched_codes_stepwise > 0
    assert certificate.mismatched_codes_collapsed > 0
    assert certificate.line().startswith("NOT EQUAL")


@pytest.mark.parametrize("suffix", [".weight", ".bias", ".threshold", ".amplitude"])
@pytest.mark.parametrize("name", ["conv_bn_relu", "trained_levels"])
def test_a_changed_array_is_found(name: str, suffix: str) -> None:
    blueprint, source, x = converted(name)
    assert verify(blueprint, source, [x]).equal
    assert not verify(_with(blueprint, suffix, lambda array: array * 1.05), source, [x]).equal


def test_one_changed_weight_is_found() -> None:
    blueprint, source, x = converted("resnet")
    name = next(name for name in reversed(blueprint.arrays) if name.endswith(".weight"))
    changed = blueprint.arrays[name].clone()
    changed.view(-1)[0] += 1e-6
    certificate = verify(Blueprint(blueprint.plan, {**blueprint.arrays, name: changed}), source, [x])
    assert not certificate.equal
    assert "in the outputs" in certificate.line()


@pytest.mark.parametrize("timesteps", [2, 3, 4])
def test_levels_of_two_to_the_t_are_not_equal(timesteps: int) -> None:
    """T bits hold 2^T − 1 levels above zero: a unit of θ/2^T is the paper's slip."""
    blueprint, source, x = converted("trained_levels", timesteps=timesteps)
    levels = 2**timesteps - 1
    wrong = blueprint
    for suffix in (".threshold", ".amplitude", ".initial_potential"):
        wrong = _with(wrong, suffix, lambda array: array * levels / (levels + 1))
    assert verify(blueprint, source, [x]).equal
    assert not verify(wrong, source, [x]).equal


@pytest.mark.parametrize("timesteps", [2, 3, 5])
def test_reading_the_least_significant_bit_first_is_not_equal(timesteps: int) -> None:
    blueprint, _, x = converted("mlp", timesteps=timesteps)
    network = build(blueprint, dtype=torch.float64)
    first, second = (record for record, _ in zip(network.walk(x.double()), range(2), strict=False))
    assert isinstance(first, StageRecord) and first.train is not None
    code = first.firing.code
    arrays = {key: array.double() for key, array in blueprint.arrays.items()}
    name = second.node.name

    def next_codes(weights: tuple[int, ...]) -> Tensor:
        codes = torch.tensordot(torch.tensor(weights, dtype=torch.float64), first.train, 1)
        value = codes * arrays[f"{first.node.name}.amplitude"]
        u = value @ arrays[f"{name}.weight"].T + arrays[f"{name}.bias"] + arrays[f"{name}.initial_potential"]
        return (u / arrays[f"{name}.threshold"]).floor().clamp(0, code.levels)

    assert torch.equal(next_codes(code.step_weights), second.codes)
    assert not torch.equal(next_codes(code.step_weights[::-1]), second.codes)


# An independent simulation, in Python's own fractions ---------------------------------------------------------


def _dyadic(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randint(-6, 7, shape, generator=generator) / 4


def _simulate(layers: list[tuple[list, list]], theta: Fraction, timesteps: int, x: list[Fraction]):
    """One sample, spike by spike; layers are (weight, bias) of fractions, the last one does not fire."""
    unit = theta / (2**timesteps - 1)
    worth = [2**t * unit for t in reversed(range(timesteps))]
    train = [x]  # the image once, as it is
    trains = []
    for index, (weight, bias) in enumerate(layers):
        potential = [b + (unit / 2 if index < len(layers) - 1 else 0) for b in bias]
        for current in train:
            for row in range(len(potential)):
                potential[row] += sum((w * c for w, c in zip(weight[row], current, strict=True)), Fraction(0))
        if index == len(layers) - 1:
            return trains, potential
        spikes = []
        for value in worth:
            fired = [1 if u >= value else 0 for u in potential]
            potential = [u - value * s for u, s in zip(potential, fired, strict=True)]
            spikes.append(fired)
        trains.append(spikes)
        train = [[value * s for s in fired] for value, fired in zip(worth, spikes, strict=True)]
    raise AssertionError


@pytest.mark.parametrize("timesteps", [1, 2, 3, 4])
def test_agrees_with_exact_fractions_spike_by_spike(timesteps: int) -> None:
    """All numbers are dyadic and tie often, so float64 is exact and a tie decides many spikes."""
    generator = torch.Generator().manual_seed(timesteps)
    theta = (2**timesteps - 1) / 4
    sizes = [5, 7, 6, 3]
    model = nn.Sequential()
    for index, (inside, outside) in enumerate(pairwise(sizes)):
        layer = nn.Linear(inside, outside)
        layer.weight.data = _dyadic((outside, inside), generator).mul(2).round() / 2
        layer.bias.data = _dyadic((outside,), generator)
        model.append(layer)
        if index < len(sizes) - 2:
            model.append(zoo.Rounded(torch.tensor(theta), levels=2**timesteps - 1))
    x = _dyadic((30, 5), generator)
    source = capture(model, x)
    blueprint = Exact(timesteps=timesteps)(source)
    certificate = verify(blueprint, source, [x])
    assert certificate.equal
    assert certificate.within_bound > 0  # there are ties
    records = list(build(blueprint, dtype=torch.float64).walk(x.double()))
    layers = [
        ([[Fraction(w) for w in row] for row in layer.weight.tolist()], [Fraction(b) for b in layer.bias.tolist()])
        for layer in model
        if isinstance(layer, nn.Linear)
    ]
    for sample in range(len(x)):
        trains, output = _simulate(layers, Fraction(theta), timesteps, [Fraction(v) for v in x[sample].tolist()])
        for record, train in zip(records, trains, strict=False):
            assert record.train is not None
            assert record.train[:, sample].tolist() == train
        assert [Fraction(value) for value in records[-1].codes[sample].tolist()] == output
    assert torch.equal(records[-1].codes.float(), model(x))
