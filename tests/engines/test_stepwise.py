"""The specification against a simulation in fractions, spike by spike, on plans made by hand."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
import torch
from support.handmade import Network, aligned, branched, dyadic, edge, gaussian, simulate
from torch import Tensor

from spikewright.conversion.align import Joining
from spikewright.engines.network import build
from spikewright.engines.program import StageInstruction
from spikewright.engines.record import StageRecord
from spikewright.engines.stepwise import walk
from spikewright.snn.alignments.average import Average
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.two_phase import TwoPhase

CHOICES = ["average", "replicate", "average,truncate", "replicate,average", "replicate,truncate"]


def _agrees(blueprint: Blueprint, x: Tensor, *, exact: bool) -> None:
    records = list(build(blueprint, dtype=torch.float64).walk(x))
    spikes = 0.0
    for sample in range(len(x)):
        reported = simulate(blueprint, x[sample].tolist())
        assert list(reported) == [record.node.name for record in records]
        for record in records:
            expected = reported[record.node.name]
            if isinstance(record, StageRecord):
                assert record.train is not None
                assert record.train[:, sample].tolist() == expected
                spikes += float(record.train[:, sample].mean())
            elif exact:
                assert [Fraction(value) for value in record.codes[sample].tolist()] == expected[0]
            else:
                assert record.codes[sample].tolist() == pytest.approx([float(value) for value in expected[0]])
    assert 0.02 < spikes / len(x) / (len(records) - 1) < 0.98


@pytest.mark.parametrize("alignment", CHOICES)
@pytest.mark.parametrize("steps", [(4, 2, 8, 1, 4), (2, 8, 4, 4, 2), (1, 2, 1, 8, 1)])
def test_branches_of_different_length_on_a_dyadic_grid(alignment: str, steps: Sequence[int]) -> None:
    """Powers of two: float64 is exact, and ties, of which there are many, must fire."""
    draw = dyadic(sum(steps))
    blueprint = aligned(branched(draw, steps), Joining.parse(alignment))
    _agrees(blueprint, draw(6, 4) * 2, exact=True)


@pytest.mark.parametrize("alignment", CHOICES)
@pytest.mark.parametrize("steps", [(3, 5, 2, 7, 6), (6, 2, 5, 3, 1)])
def test_branches_of_any_length(alignment: str, steps: Sequence[int]) -> None:
    """Where float64 rounds; there are no ties here that could show it."""
    draw = gaussian(sum(steps))
    blueprint = aligned(branched(draw, steps), Joining.parse(alignment))
    _agrees(blueprint, draw(4, 4) * 2, exact=False)


def _as_it_comes(draw, *, wait: bool) -> Blueprint:
    """Lockstep on a repeated input, or bit planes of different length that wait; nothing is aligned."""
    network = Network(4, draw, encoder=None if wait else Repeat(4))
    codes = [Code.bit_planes(3), Code((2, 2, 1)), Code.rate(4)] if wait else [Code.rate(4)] * 3
    schedule = {"schedule": TwoPhase()} if wait else {}
    network.add("a", edge("input"), outputs=5, code=codes[0], unit=0.25, **schedule)
    network.add("b", edge("a", Average(4) if wait else None), outputs=5, code=codes[1], unit=0.125, **schedule)
    network.add("c", edge("a"), edge("b"), code=codes[2], unit=0.25, **schedule)
    network.add("out", edge("c"), outputs=2)
    return network.done()


@pytest.mark.parametrize("wait", [False, True])
def test_trains_as_they_come(wait: bool) -> None:
    draw = dyadic(3)
    _agrees(_as_it_comes(draw, wait=wait), draw(8, 4) * 2, exact=True)


def test_bit_planes_in_lockstep() -> None:
    draw = dyadic(4)
    network = Network(4, draw)
    network.add("a", edge("input"), outputs=5, code=Code.bit_planes(4), unit=0.0625)
    network.add("b", edge("a"), outputs=5, code=Code.bit_planes(4), unit=0.0625)
    network.add("out", edge("b"), outputs=2)
    _agrees(network.done(), draw(8, 4) * 2, exact=True)


def test_a_stage_may_be_revised_before_the_next_one_runs() -> None:
    draw = dyadic(5)
    blueprint = _as_it_comes(draw, wait=False)
    x = draw(8, 4) * 2
    shift = torch.tensor([0.25, -0.25, 0.5, 0.0, 1.0], dtype=torch.float64)
    seen: list[tuple[str, Tensor]] = []

    def revise(instruction: StageInstruction, drive: Drive, record: StageRecord) -> Drive | None:
        seen.append((record.node.name, record.codes))
        # In the unit of the drive, a T-th of the stage's under a constant current
        return (
            drive._replace(initial=drive.initial + shift / 0.25 * drive.threshold)
            if instruction.node.name == "a"
            else None
        )

    program = build(blueprint, dtype=torch.float64).program
    revised = list(walk(program, x, revise=revise))
    moved = {"a.initial_potential": blueprint.arrays["a.initial_potential"] + shift}
    other = list(build(Blueprint(blueprint.plan, {**blueprint.arrays, **moved}), dtype=torch.float64).walk(x))
    assert all(torch.equal(one.codes, two.codes) for one, two in zip(revised, other, strict=True))
    plain = list(walk(program, x))
    assert [name for name, _ in seen] == ["a", "b", "c"]
    assert torch.equal(seen[0][1], plain[0].codes)  # it is told what fired at first
    assert not torch.equal(plain[0].codes, revised[0].codes)
    assert not torch.equal(plain[-1].codes, revised[-1].codes)


@pytest.mark.parametrize("timesteps", [3, 5, 6, 7])
def test_ties_under_averaging_are_met_where_the_total_is_exact(timesteps: int) -> None:
    """T is no power of two: a total divided by T and summed again would miss every other tie."""
    draw = dyadic(timesteps)
    network = Network(4, draw)
    code = Code.rate(timesteps)
    network.add("a", edge("input", Average(timesteps)), outputs=6, code=code, unit=1.0)
    network.add("b", edge("a", Average(timesteps)), outputs=6, code=code, unit=1.0)
    network.add("out", edge("b"), outputs=2)
    built = build(network.done(), dtype=torch.float64)
    x = draw(400, 4) * 2
    ties = 0
    for slow, fast in zip(built.walk(x), built.collapse(x), strict=True):
        assert torch.equal(slow.codes, fast.codes)
        if slow.node.name == "a":
            potential = x @ built.blueprint.arrays["a.weight"].T.double() + built.blueprint.arrays.get("a.bias", 0)
            ties = int(((potential + 0.5) % 1 == 0).sum())
    assert ties > 20
