"""Closed forms against the step-by-step engine, where they hold, and that nothing else takes them."""

from collections.abc import Sequence

import pytest
import torch
from support.handmade import Network, aligned, branched, dyadic, edge, gaussian
from torch import Tensor

from spikewright.conversion.align import Joining
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.neurons.hard_reset import HardReset
from spikewright.snn.neurons.signed import Signed
from spikewright.snn.schedules.corrected import Corrected
from spikewright.snn.schedules.probed import Probed
from spikewright.snn.schedules.two_phase import TwoPhase

CHOICES = ["average", "replicate", "average,truncate", "replicate,average", "replicate,truncate"]


def _equal(blueprint: Blueprint, x: Tensor) -> None:
    network = build(blueprint, dtype=torch.float64)
    for slow, fast in zip(network.walk(x), network.collapse(x), strict=True):
        assert slow.node == fast.node
        if not isinstance(slow, StageRecord):
            torch.testing.assert_close(slow.codes, fast.codes, rtol=1e-12, atol=1e-12)
        else:
            assert torch.equal(slow.codes, fast.codes), slow.node.name
            assert torch.equal(slow.counts, fast.counts.double())


def _closed(blueprint: Blueprint) -> set[str]:
    return set(build(blueprint).program.closed)


@pytest.mark.parametrize("alignment", CHOICES)
@pytest.mark.parametrize("steps", [(4, 2, 8, 1, 4), (2, 8, 4, 4, 2), (1, 1, 1, 1, 1), (2, 2, 2, 2, 2)])
@pytest.mark.parametrize("start", [0.0, 0.5, 1 - 2**-20])
def test_branches_of_different_length(alignment: str, steps: Sequence[int], start: float) -> None:
    """Powers of two on a dyadic grid, so that the running sum of the loop is exact at every tie."""
    draw = dyadic(sum(steps))
    blueprint = aligned(branched(draw, steps, start=start), Joining.parse(alignment))
    _equal(blueprint, draw(16, 4) * 2)
    if alignment == "average":
        assert _closed(blueprint) == {"stem", "inner", "joined", "side", "last"}


@pytest.mark.parametrize("alignment", CHOICES)
def test_branches_of_any_length(alignment: str) -> None:
    """Where float64 rounds, with currents among which there are no ties."""
    draw = gaussian(1)
    _equal(aligned(branched(draw, (3, 5, 2, 7, 6)), Joining.parse(alignment)), draw(32, 4) * 2)


def test_what_has_a_closed_form_under_which_alignment() -> None:
    steps = (4, 2, 4, 1, 8)
    closed = {text: _closed(aligned(branched(dyadic(0), steps), Joining.parse(text))) for text in CHOICES}
    # The input is one value: however it is spread, the stem gets a constant current; so does what runs one step
    assert closed == {
        "average": {"stem", "inner", "joined", "side", "last"},
        "replicate": {"stem", "side"},
        "average,truncate": {"stem", "side", "last"},
        "replicate,average": {"stem", "inner", "side"},
        "replicate,truncate": {"stem", "side"},
    }


@pytest.mark.parametrize("start", [0.0, 0.5, 1 - 2**-20, -(2**-20), 1.0, -0.5, 1.75, 3.0])
@pytest.mark.parametrize("timesteps", [1, 2, 4, 8])
def test_a_constant_current_has_a_closed_form_only_if_v0_is_inside(start: float, timesteps: int) -> None:
    """Outside, the count may differ from the clipped floor: it then comes from the loop."""
    draw = dyadic(timesteps, 20, 8)
    network = Network(6, draw, encoder=Repeat(timesteps))
    network.add("a", edge("input"), outputs=64, code=Code.rate(timesteps), unit=0.25, start=start)
    network.add("out", edge("a"), outputs=2)
    blueprint = network.done()
    x = draw(64, 6)
    _equal(blueprint, x)
    assert _closed(blueprint) == ({"a"} if 0 <= start < 1 else set())
    current = x @ blueprint.arrays["a.weight"].T + blueprint.arrays["a.bias"]
    total = (current / 0.25 + start).floor().clamp(0, timesteps)
    codes = next(build(blueprint, dtype=torch.float64).walk(x)).codes
    share = float((codes != total).double().mean())
    if 0 <= start < 1:
        assert share == 0
    elif start in (-0.5, 1.75, 3.0) and timesteps > 1:
        assert share > 0  # so it matters that the loop is taken


def test_laws_and_schedules_without_a_closed_form_run_their_loops() -> None:
    def one(**more: object) -> set[str]:
        draw = dyadic(0)
        code = more.pop("code", Code.rate(4))
        assert isinstance(code, Code)
        network = Network(4, draw, encoder=Repeat(4, code.warmup))
        network.add("a", edge("input"), outputs=5, code=code, **more)  # pyright: ignore[reportArgumentType]
        network.add("out", edge("a"), outputs=2)
        blueprint = network.done()
        _equal(blueprint, draw(16, 4) * 2)
        return _closed(blueprint)

    warmed = Code.rate(4, warmup=3)
    assert one() == {"a"}
    assert one(schedule=TwoPhase()) == one(schedule=TwoPhase(), code=Code.bit_planes(3)) == {"a"}
    assert one(law=HardReset()) == one(law=Signed()) == set()
    assert one(code=Code((2, 1, 1, 1))) == set()
    assert one(code=Code.rate(5)) == set()  # the input ends before the window does
    assert one(schedule=Probed(), code=warmed) == one(schedule=Corrected(), code=warmed) == set()


def test_hard_reset_and_signed_differ_from_the_closed_form() -> None:
    """So it matters that they do not take it."""
    draw = gaussian(2)
    x = draw(64, 4) * 3
    for law in (HardReset(), Signed()):
        codes = []
        for chosen in (law, None):
            draw = gaussian(3)
            network = Network(4, draw, encoder=Repeat(8))
            more = {} if chosen is None else {"law": chosen}
            network.add("a", edge("input"), outputs=5, code=Code.rate(8))
            network.add("b", edge("a"), outputs=5, code=Code.rate(8), **more)
            network.add("out", edge("b"), outputs=2)
            codes.append(list(build(network.done(), dtype=torch.float64).collapse(x))[1].codes)
        assert not torch.equal(*codes)


def test_the_input_is_left_as_it_was() -> None:
    """A stage that fires straight from the input floors a copy."""
    draw = dyadic(7)
    network = Network(5, draw)
    network.add("a", edge("input"), code=Code.bit_planes(3), schedule=TwoPhase(), start=0.0, bias=False)
    network.add("b", edge("input"), edge("a"), code=Code.bit_planes(3), schedule=TwoPhase())
    network.add("out", edge("input"), edge("b"))
    blueprint = network.done()
    x = draw(8, 5) * 4
    given = x.clone()
    _equal(blueprint, x)
    assert torch.equal(x, given)
