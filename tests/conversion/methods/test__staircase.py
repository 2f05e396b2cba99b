"""Networks whose activations are no ReLU: equal to their quantised source, trained or not, and refused where not."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.conversion.calibrators.mean_bias import MeanBias
from spikewright.conversion.convert import convert
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.methods.qac import Qac
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.observe import observe
from spikewright.conversion.thresholds import least_error_range, off_extrema
from spikewright.engines.lower.integer import lowered
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.errors import BadPlan, BadSetting, NotExact
from spikewright.measure.cost.fan_out import fan_out
from spikewright.measure.cost.neuron_operations import neuron_operations
from spikewright.measure.equality.certificate import verify
from spikewright.reliability.faults.threshold import _Factors
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.neurons.staircase import Staircase
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.two_phase import TwoPhase
from spikewright.snn.trains import decode
from spikewright.training.ann.levels import initial_thresholds, with_levels, without_levels


def _source(activation: nn.Module, pool: bool = False) -> tuple[Source, Tensor]:
    torch.manual_seed(0)
    layers = [nn.Conv2d(2, 4, 3, padding=1), activation, *([nn.MaxPool2d(2)] if pool else [])]
    model = nn.Sequential(*layers, nn.Conv2d(4, 3, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.LazyLinear(3)).eval()
    x = torch.randn(24, 2, 6, 6)
    model(x)
    return capture(model, x[:2]), x


@pytest.mark.parametrize("timesteps", [1, 2, 5])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("activation", [nn.SiLU(), nn.PReLU(4), nn.ELU()])
def test_equal_and_proven(activation: nn.Module, pool: bool, per_channel: bool, timesteps: int) -> None:
    if isinstance(activation, nn.PReLU):
        activation.weight.data = torch.tensor([-0.5, 0.0, 0.2, 0.4])
    source, x = _source(activation, pool)
    blueprint = convert(source, Exact(timesteps=timesteps, per_channel=per_channel), [x])
    certificate = verify(blueprint, source, [x])
    assert certificate.proven, certificate.line()


def test_a_rate_code_that_waits_will_do_as_well() -> None:
    source, x = _source(nn.GELU())
    certificate = verify(convert(source, Exact(timesteps=5, left_shift=False), [x]), source, [x])
    assert certificate.proven, certificate.line()


def test_trained_with_levels() -> None:
    """Levels are those that training rounds to; the network is equal to the source as trained."""
    source, x = _source(nn.SiLU())
    trained = with_levels(source, 15, initial_thresholds(source, [x]))
    certificate = verify(convert(trained, Exact(timesteps=4)), trained, [x])
    assert certificate.proven, certificate.line()
    assert certificate.reference == "the source as trained"
    assert without_levels(trained).nodes == source.nodes


def test_what_training_computes_is_what_codes_say() -> None:
    """The value of a rounded activation, from whole numbers of steps in plain arithmetic."""
    source, x = _source(nn.PReLU(init=0.25))
    trained = with_levels(source, 3, {node.name: 0.75 for node in source.activations})
    from spikewright.ann import interpreter

    name = source.activations[0].name
    z = interpreter.values_of(source, x, {source.nodes[0].name})[source.nodes[0].name]
    made = interpreter.values_of(trained, x, {name})[name]
    value = torch.where(z > 0, z, 0.25 * z)
    expected = value.sign() * (value.abs() / 0.25 + 0.5).floor().clamp(max=3) * 0.25
    assert torch.equal(made, expected)


def test_gradients_of_rounding_are_those_of_the_function() -> None:
    from spikewright.ann.interpreter import as_trained

    source, _ = _source(nn.SiLU())
    trained = with_levels(source, 255, {node.name: 8.0 for node in source.activations})
    node = trained.activations[0]
    z = torch.linspace(-4, 4, 33, requires_grad=True)
    threshold = torch.tensor(8.0, requires_grad=True)
    as_trained(node, z, {"threshold": threshold}).sum().backward()
    plain = torch.linspace(-4, 4, 33, requires_grad=True)
    F.silu(plain).sum().backward()
    torch.testing.assert_close(z.grad, plain.grad)
    assert threshold.grad is not None
    assert abs(float(threshold.grad)) < 33 / 2, "a fraction of a step each"


@pytest.mark.parametrize("per_channel", [False, True])
def test_the_range_loses_least_of_those_on_its_grid(per_channel: bool) -> None:
    source, x = _source(nn.SiLU())
    node = source.activations[0]
    seen = observe(source, [x])[node.name]
    found = least_error_range(seen, node.op, 7, per_channel=per_channel)  # pyright: ignore[reportArgumentType]
    assert found.shape == ((4,) if per_channel else ())

    def error(theta: float, channel: int) -> float:
        unit, values = theta / 7, seen.values[channel] + node.op.low  # pyright: ignore[reportAttributeAccessIssue]
        below = int(0.5 + 0.2784645427610738 / unit)
        rounded = (values / unit + 0.5).floor().clamp(-below, 7 - below) * unit
        return float((seen.counts[channel] * (rounded - values) ** 2).sum())

    for channel in range(4) if per_channel else [None]:
        channels = [channel] if channel is not None else range(4)
        chosen = float(found[channel]) if channel is not None else float(found)
        top = float(seen.top[channel]) if channel is not None else float(seen.top.max())
        least = min(sum(error(share / 1000 * top, c) for c in channels) for share in range(10, 1001, 5))
        assert sum(error(chosen, c) for c in channels) <= 1.05 * least


def test_a_range_keeps_off_the_least_value() -> None:
    source, _ = _source(nn.Hardswish())
    op = source.activations[0].op
    edge = torch.tensor([0.25 * 7, 0.3 * 7], dtype=torch.float64)  # −3/8 is 1½ steps of ¼
    moved = off_extrema(op, edge, 7)  # pyright: ignore[reportArgumentType]
    assert 1e-7 < float(moved[0] / edge[0] - 1) < 1e-5
    assert moved[1] == edge[1]


def test_methods_that_do_not_wait_refuse() -> None:
    source, x = _source(nn.SiLU())
    for method in (Qcfs(timesteps=4), Qac(timesteps=4), Exact(postponed_firing=False)):
        with pytest.raises(BadSetting, match=r"'1' is no ReLU.*convert by the method exact"):
            convert(source, method, [x])
    with pytest.raises(BadSetting, match="4096 levels at most, not 8191"):
        convert(source, Exact(timesteps=13), [x])


def test_integer_mode_refuses_by_name() -> None:
    source, x = _source(nn.SiLU())
    with pytest.raises(NotExact, match="stage '0' fires by 'staircase', a table of thresholds"):
        lowered(convert(source, Exact(timesteps=3), [x]))


def test_calibration_reads_what_codes_stand_for() -> None:
    """The mean of a stage's value holds what its code 0 stands for: where it is right already, nothing is moved."""
    source, x = _source(nn.SiLU())
    trained = with_levels(source, 255, initial_thresholds(source, [x], percentile=100))
    blueprint = convert(trained, Exact(timesteps=8))
    moved = MeanBias()(blueprint, trained, [x])
    for name, array in blueprint.arrays.items():
        torch.testing.assert_close(moved.arrays[name].double().expand_as(array), array, rtol=0, atol=1e-5)


def test_tables_are_checked() -> None:
    source, x = _source(nn.SiLU())
    blueprint = convert(source, Exact(timesteps=2), [x])
    name = "0.rising"
    for wrong, words in (
        (blueprint.arrays[name][:2], "must hold 3 thresholds"),
        (blueprint.arrays[name].flip(0), "in order"),
    ):
        with pytest.raises(BadPlan, match=words):
            Blueprint(blueprint.plan, {**blueprint.arrays, name: wrong})


def test_float32_is_as_the_reference_but_for_ties() -> None:
    source, x = _source(nn.GELU())
    network = build(convert(source, Exact(timesteps=8), [x]))
    with torch.no_grad():
        sixty_four = build(network.blueprint, dtype=torch.float64)(x.double())
    assert float((network(x).double() - sixty_four).abs().max()) < 0.02


def test_spikes_of_signed_codes_are_counted_alike_by_both_engines_and_tables_reset_nothing() -> None:
    source, x = _source(nn.PReLU(init=0.25))
    network = build(convert(source, Exact(timesteps=4), [x]), dtype=torch.float64)
    pairs = zip(network.walk(x.double()), network.collapse(x.double()), strict=True)
    counts = [(one.counts, other.counts) for one, other in pairs if isinstance(one, StageRecord)]  # pyright: ignore
    assert all(torch.equal(one.double(), other.double()) for one, other in counts)
    assert int(counts[0][0].max()) > 0
    first, second = (math.prod(node.shape) for node in network.plan.stages)
    found = neuron_operations(network.blueprint, fan_out(network.blueprint))
    assert (found.resets, found.compares) == (0, first * (4 + 2) + second * 4), "a sign and a branch; neither for tanh"


def test_a_disturbed_threshold_is_one_of_the_table() -> None:
    factors = torch.tensor([1.0, 0.3, 2.5], dtype=torch.float64)
    one, rising = torch.ones((), dtype=torch.float64), torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    fault = _Factors(factors)
    law = fault.law(Staircase().bound({"rising": rising.reshape(-1, 1)}), np.zeros(1, dtype=np.int64), one)
    drive = fault.drive(Drive(torch.tensor([[[1.5, 1.5, 4.9]]], dtype=torch.float64), None, one * 0, one))
    code = Code.bit_planes(2)
    assert decode(TwoPhase().run(law, drive, code), code).tolist() == [[1.0, 3.0, 1.0]]
