"""Integer mode: every engine equals an independent run in Python and NumPy integers, on every kind of network."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from support import zoo
from support.converted import captured, converted
from support.integers import slow_codes

from spikewright.ann.capture.capture import capture
from spikewright.ann.ops.pools import AveragePool
from spikewright.ann.ops.products import Conv, Linear
from spikewright.ann.source import INPUT
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import observe
from spikewright.conversion.quantise import quantise
from spikewright.engines.currents import deliver
from spikewright.engines.lower.integer import IntegerMode
from spikewright.engines.network import build
from spikewright.engines.program import Instruction, InstructionArrays, StageInstruction
from spikewright.engines.record import StageRecord
from spikewright.errors import NotExact
from spikewright.measure.equality.changed_codes import changed_codes
from spikewright.snn.alignments.truncate import Truncate
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.grid import Grid
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.nodes import Edge, Node, Stage

UNEVEN = {"constant_that_widens"}  # multiplies by a map, so that spikes are worth different amounts by position
MODE = IntegerMode(weights=Uniform(bits=8))


@pytest.mark.parametrize("name", zoo.names(without=zoo.NUMBERS))
@pytest.mark.parametrize("per_channel", [False, True])
def test_engines_equal_integers(name: str, per_channel: bool) -> None:
    blueprint, _, x = converted(name, timesteps=3, per_channel=per_channel)
    try:
        network = build(blueprint, lower=MODE.lower)
    except NotExact as refusal:
        tables = any(node.firing.law.arrays for node in blueprint.plan.stages)
        assert per_channel or name in UNEVEN or tables, f"{name}: {refusal}"
        pytest.skip(f"refused with a reason: {refusal}")
    x = x[:2].to(next(network.buffers()).dtype)
    expected = slow_codes(network.program, x)
    for records in (network.walk(x), network.collapse(x)):
        found = {record.node.name: record.codes.numpy() for record in records if isinstance(record, StageRecord)}
        assert set(found) == set(expected)
        for stage, codes in expected.items():
            assert np.array_equal(found[stage].astype(np.int64), codes), stage


@pytest.mark.parametrize("name", ["conv_bn_relu", "resnet", "mobilenet_v2", "densenet", "bn_after_max_pool"])
def test_fine_integers_are_near_the_float_network(name: str) -> None:
    blueprint, _, x = converted(name, timesteps=3)
    fine = IntegerMode(weights=Uniform(bits=12), fraction_bits=8)
    network, real = build(blueprint, lower=fine.lower), build(blueprint, dtype=torch.float64)
    x = (x * 256).round() / 256  # on the input's own grid, so that only weights and thresholds are rounded
    changed, total = changed_codes(network, x.split(3))
    assert total == len(x) * sum(math.prod(node.shape) for node in network.plan.stages)
    by_hand = sum(
        int((one.codes.double() != other.codes).sum())
        for one, other in zip(network.collapse(x), real.collapse(x), strict=True)
        if isinstance(one, StageRecord)
    )
    assert changed == by_hand
    assert changed / total < 0.02


def test_readout_is_in_the_value_scale() -> None:
    blueprint, _, x = converted("mlp", timesteps=4)
    network = build(blueprint, lower=IntegerMode(weights=Uniform(bits=16)).lower)
    expected = build(blueprint, dtype=torch.float64)(x.double())
    torch.testing.assert_close(
        network(x.double()).double(), expected, rtol=0.05, atol=0.05 * float(expected.abs().max())
    )


def test_batch_and_order_do_not_matter() -> None:
    blueprint, _, x = converted("resnet", timesteps=4)
    network = build(blueprint, lower=MODE.lower)
    x = x.to(next(network.buffers()).dtype)
    one_by_one = torch.cat([network(row.unsqueeze(0)) for row in x.flip(0)]).flip(0)
    assert torch.equal(network(x), one_by_one)


def test_sums_beyond_the_exact_range_are_refused_by_name() -> None:
    blueprint, _, _ = converted("mlp", timesteps=4)
    first = blueprint.plan.nodes[0].name
    huge = {**blueprint.arrays, f"{first}.bias": torch.tensor(1e12)}
    with pytest.raises(NotExact, match=first):
        build(Blueprint(blueprint.plan, huge), lower=MODE.lower)


def test_lockstep_is_refused() -> None:
    _, source, _ = converted("mlp")
    blueprint = Exact(timesteps=2, postponed_firing=False)(source, captured("mlp")[2])
    with pytest.raises(NotExact, match="postponed"):
        build(blueprint, lower=MODE.lower)


def test_a_stage_with_a_tie_fires() -> None:
    """A potential exactly half a unit below a threshold rounds up, in integers as in the reference."""
    blueprint, _, _ = converted("mlp", timesteps=2)
    network = build(blueprint, lower=MODE.lower)
    instruction = next(
        instruction for instruction in network.program.instructions if isinstance(instruction, StageInstruction)
    )
    assert torch.equal(instruction.threshold % 2, torch.zeros_like(instruction.threshold))
    assert torch.equal(instruction.initial * 2, instruction.threshold)
    assert build(blueprint, lower=replace(MODE, fraction_bits=4).lower) is not network


def test_means_of_integers_are_integers_again() -> None:
    """A sum over 49, divided by 49 and multiplied back, to the last unit, up to what float32 is allowed to carry."""
    op = AveragePool(kernel=(49,), stride=(49,), padding=(0,))
    node = Node(name="pool", op=op, edges=(Edge("input"),), shape=(1, 10))
    instruction = Instruction(node, InstructionArrays(after=torch.tensor(49.0 * 2**8), integral=True))
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(0, 160, (1, 500, 1, 490), generator=generator).float()  # 160 · 49 · 2^8 · 8 < 2^24
    expected = codes.long().unflatten(-1, (10, 49)).sum(-1) * 2**8
    assert torch.equal(deliver(instruction, [codes]).long(), expected)
    assert torch.equal(deliver(instruction, [codes]), expected.float())


def test_a_mean_needs_room_to_be_exact_in_float32() -> None:
    model = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.AvgPool1d(3), torch.nn.ReLU())
    x = torch.rand(4, 2, 9) * 7
    source = capture(model, x)
    blueprint = Exact(timesteps=8)(source, observe(source, [x]))
    for fraction_bits, expected in ((8, torch.float32), (12, torch.float64)):  # 255 · 3 · 2^f · 8 around 2^24
        mode = IntegerMode(weights=Uniform(bits=8), fraction_bits=fraction_bits, encoder=Grid(fraction_bits=0, limit=7))
        assert next(build(blueprint, lower=mode.lower).buffers()).dtype == expected


# Stored weights, v0 and reach ----------------------------------------------------------------------------


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("name", ["resnet", "mlp", "max_pool_shapes"])
def test_stored_weights_are_used_as_they_are(name: str, per_channel: bool) -> None:
    blueprint, _, x = converted(name, timesteps=3)
    stored = quantise(blueprint, Uniform(bits=6, per_channel=per_channel))
    # the mode's own format would be far coarser
    network = build(stored, lower=IntegerMode(weights=Uniform(bits=2)).lower)
    for instruction in network.program.instructions:
        if instruction.node.weights is not None:
            assert torch.equal(
                instruction.weight, stored.arrays[f"{instruction.node.name}.weight"].to(instruction.weight.dtype)
            )
    x = x[:2].to(next(network.buffers()).dtype)
    expected = slow_codes(network.program, x)
    for record in network.collapse(x):
        if isinstance(record, StageRecord):
            assert np.array_equal(record.codes.numpy().astype(np.int64), expected[record.node.name])
    mode = IntegerMode(weights=Uniform(bits=2), encoder=Grid(fraction_bits=15, limit=2**20))
    fine = build(stored, lower=mode.lower)
    wide = fine.program.instructions[0].reach.read
    assert wide == 2**20
    changed, total = changed_codes(fine, [x.float()])
    assert changed / total < 0.01  # thresholds and biases are still rounded, weights are not


def test_a_negative_gain_is_a_sign_beside_the_stored_integers() -> None:
    blueprint, _, x = converted("mlp", timesteps=3)
    stored = quantise(blueprint, Uniform(bits=8, per_channel=True))
    first = stored.plan.nodes[0].name
    arrays = dict(stored.arrays)
    flip = torch.ones_like(arrays[f"{first}.gain"])
    flip[::2] = -1
    arrays[f"{first}.gain"] = arrays[f"{first}.gain"] * flip
    arrays[f"{first}.weight"] = (arrays[f"{first}.weight"] * flip.reshape(-1, 1)).to(torch.int32)
    plain, flipped = build(stored, lower=MODE.lower), build(Blueprint(stored.plan, arrays), lower=MODE.lower)
    for one, other in zip(plain.collapse(x.double()), flipped.collapse(x.double()), strict=True):
        assert torch.equal(one.codes.double(), other.codes.double())


def test_the_initial_potential_keeps_its_share_of_the_threshold() -> None:
    blueprint, _, x = converted("mlp", timesteps=3)
    share = {node.name: part for node, part in zip(blueprint.plan.stages, (0.0, 0.25, 0.75), strict=False)}
    arrays = dict(blueprint.arrays)
    for name, part in share.items():
        arrays[f"{name}.initial_potential"] = arrays[f"{name}.threshold"] * part
    network = build(Blueprint(blueprint.plan, arrays), lower=MODE.lower)
    for instruction in network.program.instructions:
        if instruction.node.name in share:
            torch.testing.assert_close(
                instruction.initial / instruction.threshold,
                torch.full_like(instruction.threshold, share[instruction.node.name]),
                rtol=0,
                atol=1e-2,
            )
    x = x[:2].to(next(network.buffers()).dtype)
    expected = slow_codes(network.program, x)
    for records in (network.walk(x), network.collapse(x)):
        for record in records:
            if isinstance(record, StageRecord):
                assert np.array_equal(record.codes.numpy().astype(np.int64), expected[record.node.name])


@pytest.mark.parametrize("name", ["resnet", "average_pools", "densenet", "mobilenet_v2"])
def test_no_sum_passes_its_reach(name: str) -> None:
    """The extremes that a node can read, one sign a weight at a time, stay within what was proven, and come near."""
    network = build(converted(name, timesteps=3)[0], lower=MODE.lower)
    for instruction in network.program.instructions:
        reach = instruction.reach
        assert reach.bits <= 54
        assert 2 ** (reach.sum_bits - 1) > reach.sum >= 2 ** (reach.sum_bits - 2)
        if not isinstance(instruction.node.op, Linear | Conv) or instruction.gain(0) is not None:
            continue
        weight = instruction.weight.double()
        rows = weight.flatten(1)
        most = float((rows.abs().sum(1) * reach.read).max())
        assert most == reach.sum
        assert reach.total >= reach.sum
        if isinstance(instruction, StageInstruction):
            assert reach.total >= float(instruction.threshold.max())


def test_a_train_that_is_cut_is_refused() -> None:
    blueprint, _, _ = converted("mlp", timesteps=3)
    nodes = list(blueprint.plan.nodes)
    reader = next(i for i, node in enumerate(nodes) if node.inputs[0] != INPUT)
    code = Code.rate(3)
    rated = tuple(
        replace(node, firing=replace(node.firing, code=code)) if isinstance(node, Stage) else node for node in nodes
    )
    edge = Edge(nodes[reader].inputs[0], Truncate(timesteps=2))
    nodes = [replace(node, edges=(edge,)) if i == reader else node for i, node in enumerate(rated)]
    with pytest.raises(NotExact, match="truncate"):
        MODE.lower(Blueprint(replace(blueprint.plan, nodes=tuple(nodes)), blueprint.arrays))


def test_a_constant_of_a_read_out_that_only_passes_on_is_kept() -> None:
    blueprint, _, x = converted("output_is_a_relu", timesteps=4)
    readout = blueprint.plan.readout
    arrays = {**blueprint.arrays, f"{readout.name}.bias": torch.tensor(0.5)}
    network = build(Blueprint(blueprint.plan, arrays), lower=MODE.lower)
    plain = build(blueprint, lower=MODE.lower)
    torch.testing.assert_close(network(x.double()).double(), plain(x.double()).double() + 0.5, rtol=1e-3, atol=1e-2)


def test_a_transposed_convolution_takes_one_weight_scale() -> None:
    """Its weight begins with its inputs: a scale for each of the first axis would not be one for each output."""
    blueprint, _, _ = converted("conv_transposed_2d", timesteps=3)
    with pytest.raises(NotExact, match="a transposed convolution needs one weight scale per tensor"):
        IntegerMode(weights=Uniform(bits=8, per_channel=True)).lower(blueprint)
    IntegerMode(weights=Uniform(bits=8)).lower(blueprint)
