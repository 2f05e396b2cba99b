"""What each core works and reads, worked out by hand; `test_pipeline.py` holds it to a machine run tick by tick."""

from fractions import Fraction

from support.by_hand import Builder

from spikewright.ann.ops.arithmetic import Add
from spikewright.ann.ops.moves import Identity
from spikewright.ann.source import INPUT
from spikewright.measure.hardware._cores import Read, machine_of
from spikewright.snn.alignments.replicate import Replicate
from spikewright.snn.code import Code
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.nodes import AnySchedule, Edge
from spikewright.snn.plan import Plan
from spikewright.snn.schedules.lockstep import Lockstep
from spikewright.snn.schedules.two_phase import TwoPhase


def pair(first: int, second: int, *, schedule: AnySchedule, repeat: int = 0) -> Plan:
    """Two stages, the second reading the first through a node that does not fire."""
    net = Builder((3,), encoder=Repeat(repeat) if repeat else Graded())
    net.add("a", Add(), INPUT, code=Code.rate(first), schedule=schedule)
    net.add("same", Identity(), "a")
    edge = Edge("same") if first == second else Edge("same", Replicate(timesteps=second))
    net.add("b", Add(), edge, code=Code.rate(second), schedule=schedule)
    net.add("out", Identity(), "b")
    return net.done().plan


def test_a_stage_that_waits_reads_whole_windows() -> None:
    machine = machine_of(pair(3, 3, schedule=TwoPhase()))
    assert machine.windows == {"a": 3, "b": 3}
    assert machine.reads == {"a": [], "b": [Read("a", whole=True, lag=0, trailing=0)]}
    assert set(machine.readout) == {"b"}


def test_streams_are_read_one_step_behind() -> None:
    machine = machine_of(pair(4, 4, schedule=Lockstep(), repeat=4))
    assert list(machine.windows) == [INPUT, "a", "b"]
    assert machine.reads["a"] == [
        Read(INPUT, whole=False, lag=0, trailing=0)
    ]  # the link: in the step in which it brings
    assert machine.reads["b"] == [Read("a", whole=False, lag=1, trailing=0)]


def test_a_repeated_step_is_needed_longer_and_a_skipped_one_earlier() -> None:
    # a's steps 0 0 1 1 in b's 0..3, and 0 2 in b's 0 and 1
    assert machine_of(pair(2, 4, schedule=Lockstep())).reads["b"] == [Read("a", whole=False, lag=1, trailing=2)]
    assert machine_of(pair(4, 2, schedule=Lockstep())).reads["b"] == [Read("a", whole=False, lag=2, trailing=0)]


def test_one_number_of_timesteps_for_all() -> None:
    machine = machine_of(pair(2, 4, schedule=Lockstep()), Fraction(5, 2))
    assert machine.windows == {"a": Fraction(5, 2), "b": Fraction(5, 2)}
    assert machine.reads["b"] == [Read("a", whole=False, lag=1, trailing=0)]
