"""The executable form of a plan: one `Instruction` a node, its arrays folded into the stage's own unit.

What flows along an edge is w[t]·s[t] of a stage (integers), or a graded node's current. Inside a stage the
potential is measured in the stage's unit, so that thresholds are the integers w[t] and a code is a floor; in
integer mode the unit is itself an integer, `threshold`. Made by `folding` (floating point) or `lowering`
(integers); run by the engines. Knows nothing about where its numbers come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from torch import Tensor, nn

from spikewright.ann.ops import Product
from spikewright.snn.neurons import Closing, Law
from spikewright.snn.nodes import Firing, Node, Stage
from spikewright.snn.plan import Plan
from spikewright.snn.schedules.two_phase import collapse as close
from spikewright.snn.time_courses import TimeCourse


class Reach(NamedTuple):
    """How far the integers of a node can go, proven from its weights and from what it can read.

    Magnitudes, in units of the integers themselves; a bound, which no input passes.
    """

    read: float  # of what it reads, before `gains`
    signed: bool  # whether any of what it reads can be negative
    sum: float  # of what its operation sums, with `gains`, before `after`
    total: float  # of all that it holds on the way to its code or its output

    @property
    def bits(self) -> int:
        """Bits of the widest of these in two's complement: what an accumulator for the whole node needs."""
        return int(max(self.read, self.sum, self.total)).bit_length() + 1

    @property
    def sum_bits(self) -> int:
        """Bits of the widest sum of the operation alone: what the accumulator of its products needs."""
        return int(self.sum).bit_length() + 1


@dataclass(slots=True, kw_only=True)
class InstructionArrays:
    """The folded arrays of one node; None stands for 1 (factors) or 0 (terms)."""

    weight: Tensor | None = None
    gains: tuple[Tensor | None, ...] = ()  # factor on each input, before the operation
    after: Tensor | None = None  # factor on the operation's result
    bias: Tensor | None = None  # the window's constant current
    initial: Tensor | None = None  # initial potential
    threshold: Tensor | None = None  # the stage's unit; None means 1
    before: tuple[tuple[Tensor | None, Tensor | None], ...] = field(default_factory=tuple)  # (gain, bias)
    law: Mapping[str, Tensor] = field(default_factory=dict)  # the arrays of the stage's law, by role
    integral: bool = False  # results are integers: what a mean's division left over is rounded off
    reach: Reach | None = None  # of an integral step


class Instruction(nn.Module):
    """One node ready to run; its arrays are buffers, so it moves and casts like any module."""

    weight: Tensor | None
    after: Tensor | None
    bias: Tensor | None
    initial: Tensor | None
    threshold: Tensor | None
    offset: Tensor | None
    vector: Tensor | None

    def __init__(self, node: Node, arrays: InstructionArrays) -> None:
        super().__init__()
        self.node = node
        for name in ("weight", "after", "bias", "initial", "threshold"):
            self.register_buffer(name, getattr(arrays, name), persistent=False)
        for index, gain in enumerate(arrays.gains):
            self.register_buffer(f"gain{index}", gain, persistent=False)
        for index, (gain, bias) in enumerate(arrays.before):
            self.register_buffer(f"before{index}_gain", gain, persistent=False)
            self.register_buffer(f"before{index}_bias", bias, persistent=False)
        self.integral = arrays.integral
        self.reach = arrays.reach
        # Max pools let a constant through that is the same everywhere in a channel; signs and padding do not
        before = node.firing.before_firing if isinstance(node, Stage) else ()
        self.starts_early = all(op.maximum for op in before) and (
            not before or arrays.initial is None or _even(arrays.initial, len(node.shape))
        )
        offset = _sum(arrays.bias, arrays.initial if self.starts_early else None)
        self.register_buffer("offset", offset, persistent=False)
        # What convolution and matrix product can add in the same pass
        vector = None
        if isinstance(node.op, Product) and arrays.after is None and offset is not None and arrays.weight is not None:
            vector = node.op.as_vector(offset, arrays.weight)
        self.register_buffer("vector", vector, persistent=False)

    def gain(self, index: int) -> Tensor | None:
        """The factor on input `index`."""
        return self._buffers.get(f"gain{index}")

    def before(self, index: int) -> tuple[Tensor | None, Tensor | None]:
        """Gain and bias of the `index`-th operation before firing."""
        return self._buffers.get(f"before{index}_gain"), self._buffers.get(f"before{index}_bias")


class StageInstruction(Instruction):
    """One stage ready to run."""

    def __init__(self, stage: Stage, arrays: InstructionArrays) -> None:
        super().__init__(stage, arrays)
        self.stage = stage
        for role, array in arrays.law.items():
            self.register_buffer(f"law_{role}", array, persistent=False)

    @property
    def firing(self) -> Firing:
        """How the stage fires."""
        return self.stage.firing

    @property
    def law_arrays(self) -> dict[str, Tensor]:
        """The arrays that the stage has for its law, by role."""
        return {role: cast("Tensor", self._buffers[f"law_{role}"]) for role in self.firing.law.arrays}

    @property
    def law(self) -> Law:
        """Its law with them."""
        return self.firing.law.bound(self.law_arrays)

    def code(self, potential: Tensor) -> Tensor:
        """The codes of a window's potential [N, *features] by the closed form; it may be written over."""
        law = self.law
        if isinstance(law, Closing):
            return law.code(potential)
        return close(potential, self.threshold, self.firing.code)


def instruction_of(node: Node, arrays: InstructionArrays) -> Instruction:
    """The step that a node is run by."""
    return StageInstruction(node, arrays) if isinstance(node, Stage) else Instruction(node, arrays)


def _sum(left: Tensor | None, right: Tensor | None) -> Tensor | None:
    if left is None or right is None:
        return left if right is None else right
    return left + right


def _even(array: Tensor, rank: int) -> bool:
    """Whether it is one number, or one per channel."""
    return array.numel() == 1 or (array.dim() == rank and all(size == 1 for size in array.shape[1:]))


class Program(nn.Module):
    """The steps of a plan in order.

    Args:
        plan: the structure.
        instructions: one a node.
        worths: what one unit of each read-out is worth, by its node; 1 where nothing is said.
    """

    def __init__(
        self, plan: Plan, instructions: Sequence[Instruction], *, worths: Mapping[str, Tensor] | None = None
    ) -> None:
        super().__init__()
        self.plan = plan
        self.readouts = {each.node: each.name for each in plan.readouts}  # names of outputs, by node
        self._places = {name: f"worth{place}" for place, name in enumerate(worths or {})}
        for name, worth in (worths or {}).items():
            self.register_buffer(self._places[name], worth, persistent=False)
        self.instructions = tuple(instructions)
        self._registered = nn.ModuleList(instructions)  # so that they move and cast with it
        self.last_use = {name: node.name for node in plan.nodes for name in node.inputs}
        self.courses, self.drives = plan.courses, plan.drives
        self.closed = _closed(plan, instructions)
        self.wants_train = _wanting_trains(plan, self.closed)
        self.of_totals = _of_totals(instructions, self.courses)

    def worth(self, name: str) -> Tensor | None:
        """What one unit of the read-out of that name is worth; None means 1."""
        return self._buffers.get(self._places.get(name, ""))


def _of_totals(instructions: Sequence[Instruction], courses: Mapping[str, TimeCourse]) -> frozenset[str]:
    """The nodes that do not fire and are computed of the window's total, even where a train is asked for.

    Those that are not linear, and those that add a constant to what is the same at every step.
    """
    return frozenset(
        one.node.name
        for one in instructions
        if not isinstance(one, StageInstruction)
        and (not one.node.op.linear or (one.bias is not None and courses[one.node.name].constant))
    )


def _closed(plan: Plan, instructions: Sequence[Instruction]) -> frozenset[str]:
    """The stages whose code follows from the window's total: those that wait, and lockstep under a constant current.

    In lockstep that takes soft reset and an initial potential of at least 0 and below the threshold.
    """
    found: set[str] = set()
    drives = plan.drives
    for instruction in instructions:
        if not isinstance(instruction, StageInstruction):
            continue
        firing = instruction.firing
        constant = drives[instruction.node.name] == (firing.code.timesteps, True)
        lockstep = firing.schedule.collapses and firing.law.conserves and firing.code.is_rate
        if firing.schedule.waits or (lockstep and constant and _starts_inside(instruction)):
            found.add(instruction.node.name)
    return frozenset(found)


def _starts_inside(instruction: Instruction) -> bool:
    if instruction.initial is None:
        return True
    below = instruction.initial < (1 if instruction.threshold is None else instruction.threshold)
    return bool(((instruction.initial >= 0) & below).all())


def _wanting_trains(plan: Plan, closed: frozenset[str]) -> frozenset[str]:
    """What has to keep its time course: a stage without a closed form reads it, or an alignment picks steps of it."""
    wanting: set[str] = set()
    for node in reversed(plan.nodes):
        follows = node.name not in closed if isinstance(node, Stage) else node.op.linear and node.name in wanting
        for edge in node.edges:
            if follows if edge.alignment is None else not edge.alignment.averages:
                wanting.add(edge.source)
    return frozenset(wanting)
