"""Plans: how values run over time, what does not go together, and that every refusal says so."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter
from support.handmade import edge, firing, node, plan

from spikewright.ann.ops.activations import Activation, Offset
from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.ann.ops.graded import Multiply
from spikewright.ann.ops.moves import Identity
from spikewright.ann.ops.pools import AdaptiveMaxPool, AveragePool, MaxPool
from spikewright.ann.ops.products import Linear
from spikewright.errors import BadPlan
from spikewright.snn.alignments.average import Average
from spikewright.snn.alignments.replicate import Replicate
from spikewright.snn.alignments.truncate import Truncate
from spikewright.snn.code import Code
from spikewright.snn.encoders.bernoulli import Bernoulli
from spikewright.snn.encoders.direct import Direct
from spikewright.snn.encoders.frames import Frames
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.formats.binary import Binary
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.neurons.hard_reset import HardReset
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.neurons.signed import Signed
from spikewright.snn.nodes import Firing, Node, Stage
from spikewright.snn.plan import Plan
from spikewright.snn.schedules.clocked import Clocked
from spikewright.snn.schedules.corrected import Corrected
from spikewright.snn.schedules.lockstep import Lockstep
from spikewright.snn.schedules.probed import Probed
from spikewright.snn.schedules.two_phase import TwoPhase
from spikewright.snn.time_courses import TimeCourse

RATE = Code.rate(4)


def _refused(make) -> str:
    with pytest.raises(BadPlan) as caught:
        make()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Courses ------------------------------------------------------------------------------------------------------


def test_a_graded_input_is_one_step_and_what_reads_it_alone_is_constant() -> None:
    made = plan(node("a", "input", fires=firing(Code.rate(1))), node("b", "a", fires=firing(RATE)), node("out", "b"))
    assert made.courses == {
        "input": TimeCourse(1, True),
        "a": TimeCourse(1, True),
        "b": TimeCourse(4, False),
        "out": TimeCourse(4, False),
    }
    assert made.drives == {"a": TimeCourse(1, True), "b": TimeCourse(1, True), "out": TimeCourse(4, False)}


def test_a_repeated_input_is_constant_through_what_does_not_fire() -> None:
    made = plan(node("a", "input"), node("b", "a", "input", fires=firing(RATE)), node("out", "b"), encoder=Repeat(4))
    assert made.courses["input"] == made.courses["a"] == made.drives["b"] == TimeCourse(4, True)
    assert made.drives["out"] == TimeCourse(4, False)
    assert made.warmup == 0


def test_a_warm_up_is_the_inputs_and_every_stages() -> None:
    code = Code.rate(4, warmup=3)
    made = plan(
        node("a", "input", fires=firing(code, schedule=Probed())),
        node("b", "a", fires=firing(code, schedule=Corrected())),
        node("out", "b"),
        encoder=Repeat(4, 3),
    )
    assert made.warmup == 3
    assert made.courses["input"] == TimeCourse(7, True)
    assert made.courses["a"] == made.drives["b"] == TimeCourse(7, False)


def test_averaging_makes_a_constant_drive_of_any_train() -> None:
    made = plan(
        node("a", edge("input", Average(3)), fires=firing(Code.rate(3))),
        node("b", edge("a", Average(5)), fires=firing(Code.rate(5))),
        node("c", edge("b", Average(2)), fires=firing(Code.rate(2))),
        node("out", "c"),
    )
    assert made.drives["a"] == TimeCourse(3, True)
    assert made.drives["b"] == TimeCourse(5, True)
    assert made.drives["c"] == TimeCourse(2, True)


@pytest.mark.parametrize("alignment", [Replicate(5), Truncate(2)])
def test_picking_steps_keeps_what_is_constant_constant_and_the_rest_uneven(alignment: Any) -> None:
    code = Code.rate(alignment.timesteps)
    uneven = plan(
        node("a", edge("input", Average(3)), fires=firing(Code.rate(3))),
        node("b", edge("a", alignment), fires=firing(code)),
        node("out", "b"),
    )
    assert uneven.drives["b"] == TimeCourse(alignment.timesteps, False)
    even = plan(node("b", edge("input", alignment), fires=firing(code)), node("out", "b"), encoder=Repeat(3))
    assert even.drives["b"] == TimeCourse(alignment.timesteps, True)


@pytest.mark.parametrize("alignment", [Replicate(1), Truncate(1)])
def test_one_step_is_constant_however_it_was_picked(alignment: Any) -> None:
    made = plan(
        node("a", edge("input", Average(3)), fires=firing(Code.rate(3))),
        node("b", edge("a", alignment), fires=firing(Code.rate(1))),
        node("out", "b"),
    )
    assert made.drives["b"] == made.courses["b"] == TimeCourse(1, True)


def test_a_constant_that_ends_early_does_not_make_a_constant_sum() -> None:
    made = plan(
        node("a", edge("input", Average(4))),
        node("b", edge("input", Average(2))),
        node("c", "a", "b", fires=firing(RATE)),
        node("d", "a", edge("b", Average(4)), fires=firing(RATE)),
        node("out", "c", "d"),
    )
    assert made.drives["c"] == TimeCourse(4, False)
    assert made.drives["d"] == TimeCourse(4, True)


def test_who_reads_what() -> None:
    made = plan(node("a", "input", fires=firing(RATE)), node("b", "a"), node("out", "a", "b"))
    assert {name: [reader.name for reader in readers] for name, readers in made.consumers.items()} == {
        "input": ["a"],
        "a": ["b", "out"],
        "b": ["out"],
        "out": [],
    }
    assert [stage.name for stage in made.stages] == ["a"]
    assert made.readout.inputs == ("a", "b")


# Refusals -----------------------------------------------------------------------------------------------------


def test_truncation_cannot_expand() -> None:
    message = _refused(
        lambda: plan(
            node("a", edge("input", Average(2)), fires=firing(Code.rate(2))),
            node("b", edge("a", Truncate(3)), fires=firing(Code.rate(3))),
            node("out", "b"),
        )
    )
    assert message == ("edge 'a' to 'b': truncation cannot make 3 steps of 2: choose average or replicate to expand")


def test_a_longer_train_into_lockstep() -> None:
    message = _refused(
        lambda: plan(node("a", "input", fires=firing(Code.rate(3))), node("out", "a"), encoder=Repeat(4))
    )
    assert message == ("stage 'a' runs 3 steps and receives 4: give both the same number of timesteps, or an alignment")


def test_a_longer_train_is_fine_where_it_is_waited_for() -> None:
    waiting = firing(Code.bit_planes(3), schedule=TwoPhase())
    assert plan(node("a", "input", fires=waiting), node("out", "a"), encoder=Repeat(9)).courses["a"].steps == 3


@pytest.mark.parametrize("warmup", [0, 2])
def test_warm_ups_that_differ(warmup: int) -> None:
    def stage(name: str, read: str, steps: int):
        schedule = Probed() if steps else Lockstep()
        return node(name, read, fires=firing(Code.rate(4, warmup=steps), schedule=schedule))

    message = _refused(lambda: plan(stage("a", "input", warmup), node("out", "a"), encoder=Repeat(4, 3)))
    assert message == f"stage 'a' has {warmup} warm-up steps, the input 3: give every stage the same"
    assert "the input 0" in _refused(lambda: plan(stage("a", "input", 3), node("out", "a"), encoder=Graded()))


@pytest.mark.parametrize("alignment", [Average(7), Replicate(7), Truncate(7)])
def test_a_warm_up_cannot_be_aligned(alignment: Any) -> None:
    fires = firing(Code.rate(4, warmup=3), schedule=Probed())
    message = _refused(
        lambda: plan(node("a", edge("input", alignment), fires=fires), node("out", "a"), encoder=Repeat(4, 3))
    )
    assert message == "edge 'input' to 'a': a network with warm-up steps cannot be aligned"


@pytest.mark.parametrize("alignment", [Replicate(3), Truncate(3)])
def test_only_averaging_goes_with_weighted_spikes(alignment: Any) -> None:
    def made(one: Any) -> Plan:
        waiting = firing(Code.bit_planes(3), schedule=TwoPhase())
        return plan(node("a", "input", fires=waiting), node("b", edge("a", one), fires=waiting), node("out", "b"))

    message = _refused(lambda: made(alignment))
    assert message == (
        f"edge 'a' to 'b': {alignment.kind} needs rate codes, as it drops or repeats steps: choose average"
    )
    assert made(Average(3)).drives["b"] == TimeCourse(3, True)


LAWS = {"integrate_fire": IntegrateFire(), "hard_reset": HardReset(), "signed": Signed()}
SCHEDULES = {"lockstep": Lockstep(), "two_phase": TwoPhase(), "probed": Probed(), "corrected": Corrected()}
# What a law and a schedule need of each other and of the code, in words that share nothing with the code
SOFT_ONLY = {"two_phase", "corrected"}
WARM = {"probed", "corrected"}


@pytest.mark.parametrize(("law", "schedule"), list(itertools.product(LAWS, SCHEDULES)))
@pytest.mark.parametrize("warmup", [0, 2])
@pytest.mark.parametrize("weights", [(1, 1, 1), (4, 2, 1)])
def test_laws_schedules_and_codes(law: str, schedule: str, warmup: int, weights: tuple[int, ...]) -> None:
    if warmup and weights != (1, 1, 1):
        return  # no such code
    wrong = []
    if law != "integrate_fire" and weights != (1, 1, 1):
        wrong.append(f"law {law!r} needs a rate code, not (4, 2, 1)")
    if law != "integrate_fire" and schedule in SOFT_ONLY:
        wrong.append(f"schedule {schedule!r} needs soft reset, not law {law!r}")
    if bool(warmup) != (schedule in WARM):
        wrong.append(f"schedule {schedule!r} and {warmup} warm-up steps do not go together")

    def make():
        return firing(Code(weights, warmup), schedule=SCHEDULES[schedule], law=LAWS[law], carries="act3")

    if not wrong:
        assert make().law == LAWS[law]
        return
    message = _refused(make)
    assert message.startswith("the stage of 'act3': ")
    assert any(message.endswith(one) for one in wrong)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((), "a plan needs at least one node"),
        ((node("a", "b"),), "node 'a' reads 'b', which no earlier node makes"),
        ((node("a", "input", fires=firing(RATE)),), "the last node 'a' must be a read-out, which does not fire"),
        ((node("a", "input"), node("a", "a")), "two nodes are named 'a'"),
        ((node("input", "input"),), "two nodes are named 'input'"),
        ((node("a", op=AdaptiveMaxPool(size=(2,))),), "node 'a' reads nothing"),
        ((node("a", "input", op=Multiply()),), "node 'a': operation 'multiply' reads 2 values, not 1"),
        ((node("a", "input", "input", op=Identity()),), "node 'a': operation 'identity' reads one value, not 2"),
    ],
)
def test_graphs_that_cannot_be(nodes: tuple, message: str) -> None:
    assert _refused(lambda: plan(*nodes)) == message


def test_survives_json_equal_and_of_the_same_hash() -> None:
    code = Code.rate(4, warmup=3)
    warmed = plan(
        node("a", "input", fires=firing(code, schedule=Probed(share=0.25))),
        node("b", "a", fires=firing(code, schedule=Corrected(2))),
        node("out", "b"),
        encoder=Repeat(4, 3),
    )
    aligned = plan(
        node("a", edge("input", Average(3)), fires=firing(Code.rate(3), law=Signed())),
        node("b", edge("a", Replicate(5)), fires=firing(Code.rate(5), law=HardReset())),
        node("c", edge("b", Truncate(2)), fires=firing(Code.rate(2))),
        node("out", "c"),
    )
    adapter = TypeAdapter(Plan)
    for made in (warmed, aligned):
        again = adapter.validate_json(adapter.dump_json(made))
        assert again == made
        assert hash(again) == hash(made)
    assert warmed != aligned


# Clocked networks ---------------------------------------------------------------------------------------------


def clocked(steps: int = 4, law: Any = None, warmup: int = 0) -> Firing:
    return firing(Code.rate(steps, warmup=warmup), schedule=Clocked(), law=law or Leaky(leak=0.5))


@pytest.mark.parametrize("encoder", [Direct(4), Bernoulli(4), Frames(4)])
def test_a_clocked_networks_courses(encoder: Any) -> None:
    made = plan(node("g", "input"), node("a", "g", fires=clocked()), node("out", "a", "g"), encoder=encoder)
    constant = encoder.kind == "direct"
    assert made.courses["input"] == made.courses["g"] == made.drives["a"] == TimeCourse(4, constant)
    assert made.courses["a"] == made.drives["out"] == TimeCourse(4, False)
    assert made.sample_shape == ((4, 2) if encoder.kind == "frames" else (2,))
    assert made.warmup == 0


@pytest.mark.parametrize("encoder", [Direct(4), Bernoulli(4), Frames(4)])
def test_a_clocked_input_and_clocked_stages_need_each_other(encoder: Any) -> None:
    message = _refused(lambda: plan(node("a", "input", fires=firing(RATE)), node("out", "a"), encoder=encoder))
    assert message == (
        f"stage 'a' has schedule 'lockstep', the input comes by '{encoder.kind}': a clocked input (direct, bernoulli, "
        "frames) and clocked stages need each other"
    )
    for other in (Repeat(4), Graded()):
        message = _refused(lambda other=other: plan(node("a", "input", fires=clocked()), node("o", "a"), encoder=other))
        assert "'clocked'" in message and "need each other" in message


@pytest.mark.parametrize("steps", [3, 5])
def test_a_clocked_network_has_one_t(steps: int) -> None:
    message = _refused(lambda: plan(node("a", "input", fires=clocked(steps)), node("out", "a"), encoder=Direct(4)))
    assert message in (
        f"stage 'a' runs {steps} steps, its input 4: give both one T",
        f"stage 'a' runs {steps} steps and receives 4: give both the same number of timesteps, or an alignment",
    )


@pytest.mark.parametrize("alignment", [Average(4), Replicate(4), Truncate(4)])
def test_a_clocked_network_is_not_aligned(alignment: Any) -> None:
    message = _refused(
        lambda: plan(
            node("a", "input", fires=clocked()),
            node("b", edge("a", alignment), fires=clocked()),
            node("out", "b"),
            encoder=Direct(4),
        )
    )
    assert message == "edge 'a' to 'b': a clocked network has one T and no alignments"


def test_clocked_stages_take_rate_codes_and_leaky_ones_a_clock() -> None:
    weighted = _refused(lambda: firing(Code((2, 1)), schedule=Clocked(), carries="act"))
    assert weighted == "the stage of 'act': schedule 'clocked' needs a rate code"
    for schedule in (Lockstep(), Probed()):
        code = Code.rate(4, warmup=2 if schedule.warms_up else 0)
        message = _refused(lambda s=schedule, c=code: firing(c, schedule=s, law=Leaky(), carries="act"))
        assert message == f"the stage of 'act': law 'leaky' needs schedule 'clocked', not '{schedule.kind}'"
    for schedule in (TwoPhase(), Corrected()):
        code = Code.rate(4, warmup=2 if schedule.warms_up else 0)
        assert "needs soft reset" in _refused(lambda s=schedule, c=code: firing(c, schedule=s, law=Leaky()))
    assert "warm-up" in _refused(lambda: clocked(warmup=2))


@pytest.mark.parametrize("op", [Identity(), Scale(), Add(), AveragePool(kernel=(2,), stride=(2,), padding=(0,))])
def test_a_format_needs_a_weight_to_store(op: Any) -> None:
    message = _refused(lambda: Node(name="a", op=op, edges=(edge("input"),), shape=(2,), weights=Uniform(bits=4)))
    assert message == f"node 'a': {op.kind!r} has no weight to store in 4 bits"


def test_a_clocked_plan_survives_json() -> None:
    law = Leaky(leak=0.25, reset="hard", membrane=MembraneFormat(bits=4, scale=1.5, squash=True))
    nodes = (
        Stage(name="a", op=Linear(), edges=(edge("input"),), shape=(2,), firing=clocked(law=law), weights=Binary()),
        Node(name="out", op=Linear(), edges=(edge("a"),), shape=(2,), weights=Uniform(bits=8, per_channel=True)),
    )
    adapter = TypeAdapter(Plan)
    for encoder in (Direct(4), Bernoulli(4, 77), Frames(4)):
        made = Plan.of(nodes, encoder=encoder, input_shape=(2,))
        again = adapter.validate_json(adapter.dump_json(made))
        assert again == made and hash(again) == hash(made)
        assert again.stages[0].firing.law == law


def test_what_only_sources_hold_stands_in_no_plan() -> None:
    for op in (Activation(), Offset()):
        assert "stage it as an activation" in _refused(lambda op=op: plan(node("s", "input", op=op), node("out", "s")))


SQUARE = Multiply()


def test_what_is_not_linear_waits_for_a_train_and_is_then_the_same_at_every_step() -> None:
    made = plan(
        node("a", "input", fires=firing(RATE)),
        node("s", "a", "a", op=SQUARE),
        node("b", "s", fires=firing(RATE)),
        node("p", "b", op=AdaptiveMaxPool(size=(1,))),
        node("out", "p"),
        encoder=Repeat(4),
    )
    assert made.courses["s"] == made.drives["b"] == made.courses["p"] == TimeCourse(4, True)
    assert made.drives["s"] == made.courses["b"] == TimeCourse(4, False)
    once = plan(node("a", "input", fires=firing(RATE)), node("s", "a", "input", op=SQUARE), node("out", "s"))
    assert once.courses["s"] == once.courses["out"] == TimeCourse(1, True)


def test_what_is_not_linear_neither_fires_nor_runs_without_a_window() -> None:
    said = _refused(lambda: plan(node("s", "input", "input", op=SQUARE, fires=firing(RATE)), node("out", "s")))
    assert said.startswith("node 's': operation 'multiply' is not linear, and a stage adds up what arrives")
    said = _refused(lambda: plan(node("s", "input", "input", op=SQUARE), node("out", "s"), encoder=Direct(4)))
    assert "which a clocked network has none of" in said
    said = _refused(lambda: plan(node("s", "input", "input", op=SQUARE), node("out", "s"), encoder=Repeat(4, 3)))
    assert "which a warm-up has none of: choose a method without one" in said


def test_a_node_that_fires_is_a_stage() -> None:
    made = plan(node("a", "input", fires=firing(RATE)), node("out", "a"))
    assert [type(each) for each in made.nodes] == [Stage, Node]
    assert made.stages == made.nodes[:1]


@pytest.mark.parametrize("beyond", [-1, 2])
def test_a_stage_fires_beyond_no_more_operations_than_it_has(beyond: int) -> None:
    pool = MaxPool(kernel=(1,), stride=(1,), padding=(0,), dilation=(1,))
    pooled = replace(firing(Code.rate(1)), before_firing=(pool,))
    assert replace(pooled, beyond=1).beyond == 1
    message = _refused(lambda: replace(pooled, beyond=beyond))
    assert message == (
        f"the stage of 'act' fires from {beyond} operations beyond it, and has 1 before firing: convert again"
    )
