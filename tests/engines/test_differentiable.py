"""The differentiable pass: forward against the collapsed engine, backward against chains written out by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from support.by_hand import Builder
from support.converted import captured
from torch import Tensor

from spikewright.ann.ops.moves import Identity
from spikewright.ann.source import INPUT, Source
from spikewright.conversion.methods import Method
from spikewright.conversion.methods.cos import Cos
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.methods.hard_reset import HardReset
from spikewright.conversion.methods.opi import Opi
from spikewright.conversion.methods.percentile_norm import PercentileNorm
from spikewright.conversion.methods.qac import Qac
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.methods.rts import Rts
from spikewright.conversion.methods.snm import Snm
from spikewright.conversion.methods.srp import Srp
from spikewright.engines import differentiable
from spikewright.engines.differentiable import Constants, require_differentiable, run
from spikewright.engines.network import build
from spikewright.engines.program import Instruction, Program, StageInstruction
from spikewright.errors import BadSetting
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.nodes import AnySchedule, Edge, Stage
from spikewright.snn.schedules.lockstep import Lockstep
from spikewright.snn.schedules.two_phase import TwoPhase
from spikewright.snn.surrogate import Rectangle, Shape, Triangle

Original = Callable[..., Tensor]

MODELS = [
    "mlp", "conv_bn_relu", "max_pool_shapes", "bn_after_max_pool", "resnet", "pooled_and_unpooled_readers",
    "average_pools", "trained_levels", "output_is_also_fired", "squeeze_and_excitation", "layer_norms",
    "quotients_and_extremes", "max_pools_of_values",
]  # fmt: skip


def mixed(source: Source) -> tuple[int, ...]:
    return tuple(3 + index * 2 % 5 for index in range(len(source.activations)))


def methods(source: Source) -> list[Method]:
    return [
        Qcfs(timesteps=5), Qac(timesteps=mixed(source)), Qac(timesteps=mixed(source), alignment="replicate,truncate"),
        Qac(timesteps=mixed(source), alignment="average,replicate"), PercentileNorm(timesteps=6), Opi(timesteps=3),
        Rts(timesteps=4), Exact(timesteps=3),
    ]  # fmt: skip


def as_it_is(program: Program) -> dict[str, Constants]:
    """What each stage is run with already."""
    found = {}
    for instruction in program.instructions:
        if isinstance(instruction, StageInstruction):
            one = torch.ones((), dtype=torch.float64)
            found[instruction.node.name] = Constants(
                one, one * 0 if instruction.initial is None else instruction.initial
            )
    return found


@pytest.mark.parametrize("name", MODELS)
def test_forward_is_the_collapsed_engine_code_for_code(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, x, statistics = captured(name)
    x = x[:3].double()
    for method in methods(source):
        network = build(method(source, statistics), dtype=torch.float64)
        values: dict[str, Tensor] = {}
        for part in ("_coded", "_trained"):
            original = getattr(differentiable, part)

            def save(
                instruction: Instruction,
                *rest: object,
                original: Original = original,
                values: dict[str, Tensor] = values,
            ) -> Tensor:
                value = original(instruction, *rest)
                values[instruction.node.name] = value.sum(0)
                return value

            monkeypatch.setattr(differentiable, part, save)
        out = run(network.program, x, as_it_is(network.program), shape=Rectangle())
        monkeypatch.undo()
        *stages, readout = network.collapse(x)
        assert {record.node.name for record in stages} == set(values)
        for record in stages:
            assert torch.equal(values[record.node.name], record.codes), (method, record.node.name)
        assert torch.allclose(out, readout.codes, rtol=1e-12, atol=1e-12), method


def test_other_constants_are_those_of_a_network_that_has_them() -> None:
    source, x, statistics = captured("conv_bn_relu")
    x = x.double()
    for method in (Qcfs(timesteps=4), Qac(timesteps=(5, 3))):
        blueprint = method(source, statistics)
        program = build(blueprint, dtype=torch.float64).program
        generator = torch.Generator().manual_seed(5)
        constants, arrays = {}, dict(blueprint.arrays)
        for node in blueprint.plan.stages:
            spread = (node.shape[0], *(1,) * (len(node.shape) - 1))
            factor = 0.6 + torch.rand(spread, generator=generator, dtype=torch.float64)
            start = factor * torch.rand(spread, generator=generator, dtype=torch.float64)
            constants[node.name] = Constants(factor, start)
            unit = blueprint.arrays[f"{node.name}.threshold"]
            arrays[f"{node.name}.threshold"] = unit * factor
            arrays[f"{node.name}.amplitude"] = unit * factor
            arrays[f"{node.name}.initial_potential"] = unit * start
        other = build(Blueprint(blueprint.plan, arrays), dtype=torch.float64)
        found = run(program, x, constants, shape=Rectangle())
        assert torch.allclose(found, list(other.collapse(x))[-1].codes, rtol=1e-9, atol=1e-9)


# Gradients -----------------------------------------------------------------------------------------------------


def one_stage(steps: int, *, repeat: int, schedule: AnySchedule, edge: Edge | None = None) -> tuple[Blueprint, float]:
    """Three neurons that read the input as it is, in their own unit, and a read-out of them; and that unit."""
    net = Builder((3,), encoder=Repeat(repeat) if repeat else Graded())
    net.add("s", Identity(), edge or INPUT, code=Code.rate(steps), schedule=schedule)
    net.add("out", Identity(), "s")
    return net.done(), 0.3


class Dual(NamedTuple):
    """A number and its slopes along threshold and initial potential."""

    value: float
    by_threshold: float
    by_initial: float

    def __add__(self, other: "Dual") -> "Dual":  # pyright: ignore[reportIncompatibleMethodOverride]
        return Dual(*(left + right for left, right in zip(self, other, strict=True)))

    def times(self, other: "Dual") -> "Dual":
        return Dual(
            self.value * other.value,
            self.by_threshold * other.value + self.value * other.by_threshold,
            self.by_initial * other.value + self.value * other.by_initial,
        )


def chain(currents: list[float], threshold: float, initial: float, shape: Shape) -> Dual:
    """The value Σ s·threshold of one neuron, slopes carried forward step by step."""
    theta, potential, total = Dual(threshold, 1, 0), Dual(initial, 0, 1), Dual(0, 0, 0)
    for current in currents:
        potential += Dual(current, 0, 0)
        inverse = Dual(1 / threshold, -1 / threshold**2, 0)
        distance = potential.times(inverse) + Dual(-1, 0, 0)
        slope = float(shape.slope(torch.tensor(distance.value, dtype=torch.float64)))
        spike = Dual(float(distance.value >= 0), slope * distance.by_threshold, slope * distance.by_initial)
        spent = spike.times(theta)
        potential += Dual(-spent.value, -spent.by_threshold, -spent.by_initial)
        total += spent
    return total


@pytest.mark.parametrize("shape", [Rectangle(), Rectangle(0.5), Triangle(1.5)])
@pytest.mark.parametrize("repeat", [3, 5])
def test_gradients_through_the_time_loop_are_those_of_a_chain_by_hand(shape: Shape, repeat: int) -> None:
    # where fewer steps arrive than the stage runs, the rest bring nothing: no constant current, so a time loop
    blueprint, unit = one_stage(6, repeat=repeat, schedule=Lockstep())
    program = build(blueprint, dtype=torch.float64).program
    assert "s" not in program.closed
    x = torch.tensor([[0.1, 0.9, 1.7], [-0.4, 0.55, 6.0]], dtype=torch.float64)
    threshold = torch.tensor([0.8, 1.0, 1.3], dtype=torch.float64, requires_grad=True)
    initial = torch.tensor([0.1, 0.5, 0.77], dtype=torch.float64, requires_grad=True)
    out = run(program, x, {"s": Constants(threshold, initial)}, shape=shape)
    by_threshold, by_initial = torch.autograd.grad(out.sum(), (threshold, initial))
    for neuron in range(3):
        duals = [
            chain([float(row[neuron]) / unit / repeat] * repeat + [0.0] * (6 - repeat), *pair, shape)
            for row in x
            for pair in [(threshold.tolist()[neuron], initial.tolist()[neuron])]
        ]
        assert [unit * dual.value for dual in duals] == pytest.approx(out[:, neuron].tolist())
        assert float(by_threshold[neuron]) == pytest.approx(unit * sum(dual.by_threshold for dual in duals))
        assert float(by_initial[neuron]) == pytest.approx(unit * sum(dual.by_initial for dual in duals))
    assert bool(by_threshold.any()) and bool(by_initial.any())


@pytest.mark.parametrize("schedule", [Lockstep(), TwoPhase()])
def test_gradients_of_the_closed_form_are_those_of_the_formula(schedule: Lockstep | TwoPhase) -> None:
    # a = θ·clip(⌊(u + v0)/θ⌋, 0, T), straight through the floor, θ a threshold and u the window's total:
    #   inside:  ∂a/∂θ = code − (u + v0)/θ,  ∂a/∂v0 = 1;    above: T and 0;    below: 0 and 0
    blueprint, unit = one_stage(4, repeat=4, schedule=schedule)
    program = build(blueprint, dtype=torch.float64).program
    assert "s" in program.closed
    x = torch.tensor([[0.1, 0.9, 9.0], [-0.4, 0.5, 0.7]], dtype=torch.float64)
    threshold = torch.tensor([0.8, 1.0, 1.3], dtype=torch.float64, requires_grad=True)
    initial = torch.tensor([0.1, 0.5, 0.77], dtype=torch.float64, requires_grad=True)
    out = run(program, x, {"s": Constants(threshold, initial)}, shape=Rectangle())
    for row in range(2):
        for neuron in range(3):
            slopes = torch.autograd.grad(out[row, neuron], (threshold, initial), retain_graph=True)
            theta, start = threshold.tolist()[neuron], initial.tolist()[neuron]
            levels = (float(x[row, neuron]) / unit + start) / theta
            if levels < 0:
                code, expected = 0, (0.0, 0.0)
            elif levels > 4:
                code, expected = 4, (4.0, 0.0)
            else:
                code, expected = int(levels), (int(levels) - levels, 1.0)
            assert out.tolist()[row][neuron] == pytest.approx(unit * theta * code)
            assert [float(slope[neuron]) for slope in slopes] == pytest.approx([unit * slope for slope in expected])


def test_gradients_reach_every_stage_through_alignments_and_pools() -> None:
    source, x, statistics = captured("max_pool_shapes")
    for alignment in ("average", "replicate,truncate"):
        blueprint = Qac(timesteps=mixed(source), alignment=alignment)(source, statistics)
        program = build(blueprint, dtype=torch.float64).program
        constants = {
            name: Constants(*(value.clone().requires_grad_() for value in stored))
            for name, stored in as_it_is(program).items()
        }
        run(program, x.double(), constants, shape=Rectangle()).square().sum().backward()
        for name, stored in constants.items():
            for value in stored:
                assert value.grad is not None and bool(value.grad.isfinite().all()), name
                assert bool(value.grad.any()), (alignment, name)


# Refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "law", "schedule"),
    [
        (HardReset(timesteps=4), "hard_reset", "lockstep"),
        (Snm(timesteps=4), "signed", "lockstep"),
        (Srp(timesteps=4), "integrate_fire", "probed"),
        (Cos(timesteps=4), "integrate_fire", "corrected"),
    ],
)
def test_what_has_no_gradient_is_refused_by_name(method: Method, law: str, schedule: str) -> None:
    source, _, statistics = captured("mlp")
    program = build(method(source, statistics)).program
    with pytest.raises(BadSetting, match=rf"stage '\w+' fires by '{law}' under '{schedule}'.*qcfs, qac"):
        require_differentiable(program)


def test_a_plan_of_many_stages_names_the_one_that_cannot_be_trained() -> None:
    source, _, statistics = captured("mlp")
    blueprint = Qcfs(timesteps=4)(source, statistics)
    require_differentiable(build(blueprint).program)
    other = HardReset(timesteps=4)(source, statistics)
    last = blueprint.plan.stages[-1].name
    law = next(node.firing.law for node in other.plan.stages)
    nodes = tuple(
        replace(node, firing=replace(node.firing, law=law)) if isinstance(node, Stage) and node.name == last else node
        for node in blueprint.plan.nodes
    )
    with pytest.raises(BadSetting, match=f"stage '{last}'"):
        require_differentiable(build(Blueprint(replace(blueprint.plan, nodes=nodes), blueprint.arrays)).program)
