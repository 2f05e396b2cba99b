"""Integer mode: every engine equals an independent run in Python and NumPy integers, on every kind of network."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import zoo
from converted import converted

from spikewright.blueprint import Blueprint
from spikewright.capturing import capture
from spikewright.encoders.grid import Grid
from spikewright.engines.currents import deliver
from spikewright.errors import NotExact
from spikewright.lowering import IntegerMode, changed_codes
from spikewright.methods.exact import Exact
from spikewright.network import SpikingNetwork, build
from spikewright.ops import AveragePool, Scale
from spikewright.plan import Edge, Node
from spikewright.program import Step, StepArrays
from spikewright.quantisers.uniform import Uniform
from spikewright.source import INPUT
from spikewright.statistics import observe

UNEVEN = {"constant_that_widens"}  # multiplies by a map, so that spikes are worth different amounts by position
MODE = IntegerMode(weights=Uniform(bits=8))


def _matrix(step: Step, shapes: list[tuple[int, ...]]) -> np.ndarray:
    """A step's operation as one integer matrix over its concatenated, flattened inputs: a column per basis vector."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    columns = []
    for which, size in enumerate(sizes):
        parts = []
        for index, shape in enumerate(shapes):
            value = torch.eye(size) if index == which else torch.zeros(size, sizes[index])
            gain = step.gain(index)
            value = value.double().reshape(size, *shape)
            parts.append(value if gain is None else value * gain.double())
        weight = None if step.weight is None else step.weight.double()
        result = step.node.op(parts, weight)
        result = result if step.after is None else result * step.after.double()
        columns.append(result.reshape(size, -1).numpy())
    exact = np.concatenate(columns).T
    assert np.abs(exact - exact.round()).max() < 1e-6
    return exact.round().astype(np.int64)


def _integers(tensor: torch.Tensor | None, shape: tuple[int, ...]) -> np.ndarray:
    value = torch.zeros(shape).double() if tensor is None else tensor.double()
    value = value.expand(shape) if shape else value.reshape(())
    assert torch.equal(value, value.round())
    return value.numpy().astype(np.int64)


def _slow_codes(network: SpikingNetwork, x: torch.Tensor) -> dict[str, np.ndarray]:
    """Every stage's codes in int64: a matrix product, pools, and firing step by step."""
    values = {INPUT: network.plan.encoder(x)[0].numpy().astype(np.int64)}
    codes = {}
    for step in network.program.steps:
        node = step.node
        inputs = [values[name] for name in node.inputs]
        matrix = _matrix(step, [value.shape[1:] for value in inputs])
        flat = np.concatenate([value.reshape(len(x), -1) for value in inputs], 1) @ matrix.T
        shape = step.node.op([torch.zeros(1, *v.shape[1:]).double() for v in inputs], _double(step.weight)).shape[1:]
        potential = flat.reshape(len(x), *shape) + _integers(step.bias, tuple(shape))
        if node.firing is None:
            values[node.name] = potential
            continue
        for index, op in enumerate(node.firing.before_firing):
            gain, bias = step.before(index)
            if isinstance(op, Scale):
                sized = potential.shape[1:]
                potential = potential * _integers(gain, sized) + _integers(bias, sized)
            else:
                potential = op([torch.from_numpy(potential).double()]).numpy().astype(np.int64)
        unit = _integers(step.threshold, potential.shape[1:])
        u = potential + unit // 2
        code = np.zeros_like(u)
        for weight in node.firing.code.step_weights:
            spike = (u >= weight * unit).astype(np.int64)
            u, code = u - spike * weight * unit, code + spike * weight
        values[node.name] = codes[node.name] = code
    return codes


def _double(weight: torch.Tensor | None) -> torch.Tensor | None:
    return None if weight is None else weight.double()


@pytest.mark.parametrize("name", sorted(zoo.ZOO))
@pytest.mark.parametrize("per_channel", [False, True])
def test_engines_equal_integers(name: str, per_channel: bool) -> None:
    blueprint, _, x = converted(name, timesteps=3, per_channel=per_channel)
    try:
        network = MODE.lower(blueprint)
    except NotExact as refusal:
        assert per_channel or name in UNEVEN, f"{name}: {refusal}"
        pytest.skip(f"refused with a reason: {refusal}")
    x = x[:2].to(next(network.buffers()).dtype)
    expected = _slow_codes(network, x)
    for records in (network.walk(x), network.collapse(x)):
        found = {record.node.name: record.codes.numpy() for record in records if record.node.firing is not None}
        assert set(found) == set(expected)
        for stage, codes in expected.items():
            assert np.array_equal(found[stage].astype(np.int64), codes), stage


@pytest.mark.parametrize("name", ["conv_bn_relu", "resnet", "mobilenet_v2", "densenet", "bn_after_max_pool"])
def test_fine_integers_are_near_the_float_network(name: str) -> None:
    blueprint, _, x = converted(name, timesteps=3)
    fine = IntegerMode(weights=Uniform(bits=12), fraction_bits=8)
    network, real = fine.lower(blueprint), build(blueprint, dtype=torch.float64)
    x = (x * 256).round() / 256  # on the input's own grid, so that only weights and thresholds are rounded
    changed, total = changed_codes(network, x.split(3))
    assert total == len(x) * sum(math.prod(node.shape) for node in network.plan.stages)
    by_hand = sum(
        int((one.codes.double() != other.codes).sum())
        for one, other in zip(network.collapse(x), real.collapse(x), strict=True)
        if one.node.firing is not None
    )
    assert changed == by_hand
    assert changed / total < 0.02


def test_readout_is_in_the_value_scale() -> None:
    blueprint, _, x = converted("mlp", timesteps=4)
    network = IntegerMode(weights=Uniform(bits=16)).lower(blueprint)
    expected = build(blueprint, dtype=torch.float64)(x.double())
    torch.testing.assert_close(
        network(x.double()).double(), expected, rtol=0.05, atol=0.05 * float(expected.abs().max())
    )


def test_batch_and_order_do_not_matter() -> None:
    blueprint, _, x = converted("resnet", timesteps=4)
    network = MODE.lower(blueprint)
    x = x.to(next(network.buffers()).dtype)
    one_by_one = torch.cat([network(row.unsqueeze(0)) for row in x.flip(0)]).flip(0)
    assert torch.equal(network(x), one_by_one)


def test_sums_beyond_the_exact_range_are_refused_by_name() -> None:
    blueprint, _, _ = converted("mlp", timesteps=4)
    first = blueprint.plan.nodes[0].name
    huge = {**blueprint.arrays, f"{first}.bias": torch.tensor(1e12)}
    with pytest.raises(NotExact, match=first):
        MODE.lower(Blueprint(blueprint.plan, huge))


def test_lockstep_is_refused() -> None:
    _, source, _ = converted("mlp")
    from converted import captured

    blueprint = Exact(timesteps=2, postponed_firing=False)(source, captured("mlp")[2])
    with pytest.raises(NotExact, match="postponed"):
        MODE.lower(blueprint)


def test_a_stage_with_a_tie_fires() -> None:
    """A potential exactly half a unit below a threshold rounds up, in integers as in the reference."""
    blueprint, _, _ = converted("mlp", timesteps=2)
    network = MODE.lower(blueprint)
    step = next(step for step in network.program.steps if step.node.firing is not None)
    assert torch.equal(step.threshold % 2, torch.zeros_like(step.threshold))
    assert torch.equal(step.initial * 2, step.threshold)
    assert replace(MODE, fraction_bits=4).lower(blueprint) is not network


def test_means_of_integers_are_integers_again() -> None:
    """A sum over 49, divided by 49 and multiplied back, to the last unit, up to what float32 is allowed to carry."""
    op = AveragePool(kernel=(49,), stride=(49,), padding=(0,))
    node = Node(name="pool", op=op, edges=(Edge("input"),), shape=(1, 10))
    step = Step(node, StepArrays(after=torch.tensor(49.0 * 2**8), integral=True))
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(0, 160, (1, 500, 1, 490), generator=generator).float()  # 160 · 49 · 2^8 · 8 < 2^24
    expected = codes.long().unflatten(-1, (10, 49)).sum(-1) * 2**8
    assert torch.equal(deliver(step, [codes]).long(), expected)
    assert torch.equal(deliver(step, [codes]), expected.float())


def test_a_mean_needs_room_to_be_exact_in_float32() -> None:
    model = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.AvgPool1d(3), torch.nn.ReLU())
    x = torch.rand(4, 2, 9) * 7
    source = capture(model, x)
    blueprint = Exact(timesteps=8)(source, observe(source, [x]))
    for fraction_bits, expected in ((8, torch.float32), (12, torch.float64)):  # 255 · 3 · 2^f · 8 around 2^24
        mode = IntegerMode(weights=Uniform(bits=8), fraction_bits=fraction_bits, encoder=Grid(fraction_bits=0, limit=7))
        assert next(mode.lower(blueprint).buffers()).dtype == expected
