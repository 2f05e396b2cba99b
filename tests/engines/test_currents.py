"""What drives a stage behind max pools in lockstep, against a slow NumPy loop on neurons before and after the pool.

Every neuron before the pools only accumulates. At each step the totals so far are pooled, and a norm that follows
takes them with the share of its constant that is due by then; what is above the spikes already emitted is what a
neuron after the pool has on its membrane. Currents are eighths and gains powers of two: float64 is exact, and
ties are common.
"""

import numpy as np
import pytest
import torch
from support.handmade import Network, edge
from torch import Tensor

from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.moves import Identity
from spikewright.ann.ops.pools import MaxPool
from spikewright.engines.currents import aligned, before_firing, deliver, drive_of, next_drive
from spikewright.engines.lower.folded import fold
from spikewright.engines.network import build
from spikewright.engines.program import StageInstruction
from spikewright.snn.alignments.average import Average
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.nodes import Edge, Firing, Node, Stage
from spikewright.snn.plan import Plan
from spikewright.snn.schedules.lockstep import Lockstep
from spikewright.snn.schedules.probed import Probed
from spikewright.snn.schedules.two_phase import TwoPhase

CHANNELS, SIZE = 2, 6
POOL = MaxPool(kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1), ceil_mode=False)
OVERLAPPING = MaxPool(kernel=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(1, 1), ceil_mode=True)
SLIDING = MaxPool(kernel=(2, 2), stride=(1, 1), padding=(0, 0), dilation=(1, 1), ceil_mode=False)
BEFORE = {
    "pool": (POOL,),
    "overlapping_pool": (OVERLAPPING,),
    "pool_and_norm": (POOL, Scale()),
    "pool_norm_pool": (POOL, Scale(), SLIDING),
}
UNIT = 0.25
GAIN = torch.tensor([2.0, -0.5], dtype=torch.float64).reshape(2, 1, 1)
SHIFT = torch.tensor([-0.75, 0.375], dtype=torch.float64).reshape(2, 1, 1)


def _eighths(*shape: int, seed: int = 0, low: int = -10, high: int = 6) -> Tensor:
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(seed)).double() / 8


def _blueprint(kind: str, code: Code, *, start: float = 0.5, warmup: bool = False, wait: bool = False) -> Blueprint:
    before = BEFORE[kind]
    value = torch.zeros(1, CHANNELS, SIZE, SIZE)
    for op in before:
        value = value if isinstance(op, Scale) else op([value])
    shape = tuple(value.shape[1:])
    schedule = Probed(share=0.0) if warmup else TwoPhase() if wait else Lockstep()
    firing = Firing(law=IntegrateFire(), schedule=schedule, code=code, carries="a", before_firing=before)
    arrays = {
        "a.bias": _eighths(CHANNELS, SIZE, SIZE, seed=9),
        "a.threshold": torch.tensor(UNIT).double(),
        "a.initial_potential": torch.tensor(UNIT * start).double(),
        "a.amplitude": torch.tensor(UNIT).double(),
        **{f"a.before{i}.weight": GAIN for i, op in enumerate(before) if isinstance(op, Scale)},
        **{f"a.before{i}.bias": SHIFT for i, op in enumerate(before) if isinstance(op, Scale)},
    }
    nodes = (
        Stage(name="a", op=Identity(), edges=(Edge("input"),), shape=shape, firing=firing),
        Node(name="out", op=Identity(), edges=(Edge("a"),), shape=shape),
    )
    encoder = Repeat(code.timesteps, code.warmup) if not wait else Graded()
    return Blueprint(Plan.of(nodes, encoder=encoder, input_shape=(CHANNELS, SIZE, SIZE)), arrays)


def _pooled(totals: np.ndarray, op: MaxPool) -> np.ndarray:
    """Max pooling one window after the other; totals [C, H, W]."""
    (k, _), (s, _), (p, _) = op.kernel, op.stride, op.padding
    padded = np.pad(totals, ((0, 0), (p, p + s), (p, p + s)), constant_values=-np.inf)
    room = totals.shape[1] + 2 * p - k
    count = (room + s - 1) // s + 1 if op.ceil_mode else room // s + 1
    if op.ceil_mode and (count - 1) * s >= totals.shape[1] + p:
        count -= 1
    out = np.empty((totals.shape[0], count, count))
    for channel in range(totals.shape[0]):
        for row in range(count):
            for column in range(count):
                out[channel, row, column] = padded[channel, row * s : row * s + k, column * s : column * s + k].max()
    return out


def _reference(
    kind: str, currents: np.ndarray, bias: np.ndarray, steps: int, timesteps: int, start: float | np.ndarray
) -> list:
    """Spikes of one sample, [steps, C, H', W']; currents [steps_in, C, H, W] in the value scale."""
    totals = np.zeros_like(bias)
    emitted, train = None, []
    for instruction in range(steps):
        if instruction < len(currents):
            totals = totals + currents[instruction]
        totals = totals + bias / timesteps
        potential = totals
        for op in BEFORE[kind]:
            if isinstance(op, Scale):
                due = SHIFT.numpy() * (instruction + 1) / timesteps
                potential = potential * GAIN.numpy() + due
            else:
                potential = _pooled(potential, op)
        emitted = np.zeros_like(potential) if emitted is None else emitted
        spikes = (potential + UNIT * start - UNIT * emitted >= UNIT).astype(float)
        emitted = emitted + spikes
        train.append(spikes)
    return train


@pytest.mark.parametrize("kind", BEFORE)
@pytest.mark.parametrize("given_steps", [4, 3])
def test_varying_currents_behind_pools_in_lockstep(kind: str, given_steps: int) -> None:
    """A neuron before the pool may take over from another in the middle of the window."""
    blueprint = _blueprint(kind, Code.rate(4))
    instruction = fold(blueprint, dtype=torch.float64).instructions[0]
    assert isinstance(instruction, StageInstruction)
    currents = _eighths(given_steps, 3, CHANNELS, SIZE, SIZE, seed=1) / 2
    train = Lockstep().run(IntegrateFire(), drive_of(instruction, currents / UNIT), Code.rate(4))
    bias = blueprint.arrays["a.bias"].numpy()
    for sample in range(3):
        expected = _reference(kind, currents[:, sample].numpy(), bias, 4, 4, 0.5)
        assert np.array_equal(train[:, sample].numpy(), np.stack(expected))
    assert 0.05 < float(train.mean()) < 0.95


@pytest.mark.parametrize("kind", BEFORE)
@pytest.mark.parametrize("start", [0.0, 0.5, 0.875])
@pytest.mark.parametrize("timesteps", [1, 4])
def test_constant_currents_have_a_closed_form_behind_pools(kind: str, start: float, timesteps: int) -> None:
    blueprint = _blueprint(kind, Code.rate(timesteps), start=start)
    network = build(blueprint, dtype=torch.float64)
    assert network.program.closed == {"a"}
    x = _eighths(3, CHANNELS, SIZE, SIZE, seed=2)
    slow, fast = next(network.walk(x)), next(network.collapse(x))
    assert slow.train is not None
    assert torch.equal(slow.codes, fast.codes)
    bias = blueprint.arrays["a.bias"].numpy()
    for sample in range(3):
        current = (x[sample] / timesteps).numpy()
        expected = _reference(kind, np.stack([current] * timesteps), bias, timesteps, timesteps, start)
        assert np.array_equal(slow.train[:, sample].numpy(), np.stack(expected))
    assert len(slow.codes.unique()) > 1


@pytest.mark.parametrize("kind", BEFORE)
def test_a_warm_up_has_running_totals_of_its_own(kind: str) -> None:
    code = Code.rate(4, warmup=2)
    blueprint = _blueprint(kind, code, warmup=True)
    instruction = fold(blueprint, dtype=torch.float64).instructions[0]
    assert isinstance(instruction, StageInstruction)
    currents = _eighths(6, 2, CHANNELS, SIZE, SIZE, seed=3) / 2
    drive = drive_of(instruction, currents / UNIT)
    bias = blueprint.arrays["a.bias"].numpy()
    everywhere = Probed(share=-1e9).run(IntegrateFire(), drive, code)
    for sample in range(2):
        probe = _reference(kind, currents[:2, sample].numpy(), bias, 2, 4, 0.5)
        window = _reference(kind, currents[2:, sample].numpy(), bias, 4, 4, 0.5)
        assert np.array_equal(everywhere[:, sample].numpy(), np.stack(probe + window))


@pytest.mark.parametrize("kind", BEFORE)
def test_a_stage_that_waits_pools_the_total(kind: str) -> None:
    code = Code.bit_planes(3)
    network = build(_blueprint(kind, code, wait=True), dtype=torch.float64)
    x = _eighths(3, CHANNELS, SIZE, SIZE, seed=4)
    bias = network.blueprint.arrays["a.bias"].numpy()
    for record in (next(network.walk(x)), next(network.collapse(x))):
        for sample in range(3):
            potential = x[sample].numpy() + bias
            for op in BEFORE[kind]:
                affine = isinstance(op, Scale)
                potential = potential * GAIN.numpy() + SHIFT.numpy() if affine else _pooled(potential, op)
            expected = np.clip(np.floor(potential / UNIT + 0.5), 0, 7)
            assert np.array_equal(record.codes[sample].numpy(), expected)


@pytest.mark.parametrize("kind", BEFORE)
def test_initial_potentials_may_differ_by_neuron_behind_a_pool(kind: str) -> None:
    """They belong to the neurons that fire, which are fewer than those that accumulate."""
    plain = _blueprint(kind, Code.rate(4))
    start = _eighths(*plain.plan.nodes[0].shape, seed=5, low=0, high=8)
    network = build(Blueprint(plain.plan, {**plain.arrays, "a.initial_potential": start * UNIT}), dtype=torch.float64)
    assert network.program.closed == {"a"}
    x = _eighths(3, CHANNELS, SIZE, SIZE, seed=6)
    slow, fast = next(network.walk(x)), next(network.collapse(x))
    assert slow.train is not None
    assert torch.equal(slow.codes, fast.codes)
    for sample in range(3):
        current = (x[sample] / 4).numpy()
        expected = _reference(kind, np.stack([current] * 4), plain.arrays["a.bias"].numpy(), 4, 4, start.numpy())
        assert np.array_equal(slow.train[:, sample].numpy(), np.stack(expected))


@pytest.mark.parametrize("kind", BEFORE)
def test_a_running_total_goes_on_from_part_to_part(kind: str) -> None:
    instruction = fold(_blueprint(kind, Code.rate(8)), dtype=torch.float64).instructions[0]
    assert isinstance(instruction, StageInstruction)
    currents, since, found = _eighths(8, 2, CHANNELS, SIZE, SIZE, seed=7), None, []
    for first, last in ((0, 3), (3, 4), (4, 8)):
        drive, since = next_drive(instruction, currents[first:last], since)
        found.append(drive.currents)
    assert since is not None and since.steps == 8
    assert torch.equal(torch.cat(found), drive_of(instruction, currents).currents)


# The parts ----------------------------------------------------------------------------------------------------


def test_a_shorter_train_delivers_nothing_in_the_later_steps() -> None:
    network = Network(2, lambda *shape: torch.ones(shape, dtype=torch.float64))
    network.add("sum", edge("input"), edge("input", Average(4)))
    instruction = fold(network.done(), dtype=torch.float64).instructions[0]
    x = torch.tensor([[[8.0, 4.0]]], dtype=torch.float64)
    currents = deliver(instruction, aligned(instruction, [x, x]))
    assert currents[:, 0].tolist() == [[10, 5], [2, 1], [2, 1], [2, 1]]


def test_a_norm_takes_the_share_of_its_constant_that_is_due() -> None:
    instruction = fold(_blueprint("pool_and_norm", Code.rate(4)), dtype=torch.float64).instructions[0]
    assert isinstance(instruction, StageInstruction)
    nothing = torch.zeros(1, CHANNELS, SIZE, SIZE, dtype=torch.float64)
    for share in (0.25, 0.5, 1.0):
        expected = (SHIFT / UNIT * share).expand(1, CHANNELS, 3, 3)
        assert torch.equal(before_firing(instruction, nothing, share), expected)
