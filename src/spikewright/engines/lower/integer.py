"""Lowering: a blueprint as an integer program, in which equality is exact by construction.

    acc = 2^f · Σ W_int · code_in + b_int,     U = 2 · round(2^f · θ / (2 g)),   v0 = U/2,   thresholds w[t] · U
g is what one unit of the integer sum is worth: the weight scale, with the worth of the inputs inside it.
Sums of inputs of different worth are put on one grid, M_i = round(2^f · g_i / g). Integers are carried in
floating point, where every sum is exact as long as it stays below 2^53 (2^24 in float32); each node's largest
possible sum is worked out and kept (`program.Reach`), and a network that could pass the limit is refused by the
node's name. v0 keeps its share of the threshold, U · v0/θ to the nearest integer: U/2 where it is half of it.

Weights that a node stores already are used as they are: only others are rounded, to the mode's format. Biases
and thresholds are rounded too, so the result is a changed source (`measure.equality.changed_codes` counts by how
much). What each operation does is in `integers/`. Knows nothing about engines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from spikewright.ann.ops.rules import gathered
from spikewright.engines.lower.integers import Flow, Lowering, positive
from spikewright.engines.program import InstructionArrays, Program, Reach, instruction_of
from spikewright.errors import NotExact
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.encoders.grid import Grid
from spikewright.snn.formats import WeightFormat
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.nodes import Node, Stage

_LIMITS = {torch.float32: 2**24, torch.float64: 2**53}
# A mean divides and is multiplied back to an integer: the three roundings stay below one half only this far below
_AVERAGING_MARGIN = 8
_FRACTION_BITS = (12, 8)
_INPUT = Grid(fraction_bits=15, limit=2**20 - 1)


INTEGERS = gathered("lowering to integers", "spikewright.engines.lower.integers", of_plans=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerMode:
    """How to lower.

    Attributes:
        weights: the format for weights that are not stored as integers yet.
        fraction_bits: f, of thresholds, biases and ratios.
        encoder: how the analog input becomes integers.
    """

    weights: WeightFormat
    fraction_bits: int = 8
    encoder: Grid = field(default_factory=Grid)

    def lower(self, blueprint: Blueprint) -> Program:
        """The program in integers, carried in float32 where every sum fits, else in float64.

        Raises:
            NotExact: a node's sums could pass 2^53, a stage does not postpone its firing, or a train is cut or
                repeated on its way.
        """
        plan = blueprint.plan
        if plan.encoder.streams:
            raise NotExact("integer mode needs an input that arrives once: convert with postponed firing")
        arrays = {name: array.double() for name, array in blueprint.arrays.items()}
        start = Flow(torch.tensor(2.0**-self.encoder.fraction_bits).double(), self.encoder.limit)
        flows, shapes = {each.name: start for each in plan.inputs}, plan.shapes
        instructions, peak = [], 0.0
        for node in plan.nodes:
            if isinstance(node, Stage) and not node.firing.schedule.waits:
                raise NotExact(f"stage {node.name!r} fires as currents arrive: integer mode needs postponed firing")
            if isinstance(node, Stage) and node.firing.law.arrays:
                raise NotExact(
                    f"stage {node.name!r} fires by {node.firing.law.kind!r}, a table of thresholds: integer mode knows "
                    "multiples of one; run it in floating point (--engine float)"
                )
            _require_totals(node)
            instruction, flow, largest = self._lower_node(node, [flows[name] for name in node.inputs], arrays, shapes)
            if node.op.averages:
                largest *= _AVERAGING_MARGIN
            if largest >= _LIMITS[torch.float64]:
                raise NotExact(
                    f"node {node.name!r}: its integer sums can reach {largest:.1e}, above 2^53: "
                    "lower the weight bits, the timesteps or the fraction bits"
                )
            assert instruction.reach is not None
            instruction.reach = instruction.reach._replace(total=largest)
            peak = max(peak, largest)
            instructions.append(instruction_of(node, instruction))
            flows[node.name] = flow
        worths = {each.node: flows[each.node].worth for each in plan.readouts}
        program = Program(plan.with_input(encoder=self.encoder), instructions, worths=worths)
        dtype = torch.float32 if peak < _LIMITS[torch.float32] else torch.float64
        return program.to(dtype).eval()

    def _lower_node(
        self, node: Node, inputs: list[Flow], arrays: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]
    ) -> tuple[InstructionArrays, Flow, float]:
        instruction = InstructionArrays(integral=True)
        given = [shapes[name] for name in node.inputs]
        lowering = Lowering(instruction, node, inputs, given, arrays, self.weights, self.fraction_bits)
        flow = INTEGERS[node.op](lowering)
        gained = [
            flow.largest * _most(gain)
            for flow, gain in zip(inputs, instruction.gains or (None,) * len(inputs), strict=True)
        ]
        read, signed = max(each.largest for each in inputs), any(each.signed for each in inputs)
        instruction.reach = Reach(read, signed, max(flow.largest / _most(instruction.after), *gained), flow.largest)
        scale = 2**self.fraction_bits
        bias = arrays.get(f"{node.name}.bias")
        if not isinstance(node, Stage) and bias is None:
            return instruction, flow, flow.largest
        # The stage's own grid is 2^f finer than its sums
        instruction.after = torch.tensor(float(scale)).double() * (
            1 if instruction.after is None else instruction.after
        )
        worth, largest = flow.worth / scale, flow.largest * scale
        if bias is not None:
            rounded = (bias / worth).round()
            instruction.bias = rounded
            largest += float(rounded.abs().max())
        if not isinstance(node, Stage):
            return instruction, Flow(worth, largest), largest
        worth, largest = self._lower_before(instruction, node, worth, largest, arrays)
        threshold = arrays[f"{node.name}.threshold"]
        instruction.threshold = 2 * (threshold / (2 * worth)).round().clamp(min=1)
        instruction.initial = (instruction.threshold * (arrays[f"{node.name}.initial_potential"] / threshold)).round()
        largest += max(float(instruction.initial.abs().max()), float(instruction.threshold.max()))
        out = Flow(arrays[f"{node.name}.amplitude"], node.firing.code.levels, signed=False)
        return instruction, out, largest

    def _lower_before(
        self, instruction: InstructionArrays, stage: Stage, worth: Tensor, largest: float, arrays: Mapping[str, Tensor]
    ) -> tuple[Tensor, float]:
        before: list[tuple[Tensor | None, Tensor | None]] = []
        for index, op in enumerate(stage.firing.before_firing):
            if not op.scales:
                before.append((None, None))
                continue
            gain = arrays[f"{stage.name}.before{index}.weight"]
            worth = positive(gain) * worth
            bias = (arrays[f"{stage.name}.before{index}.bias"] / worth).round()
            before.append((gain.sign(), bias))
            largest += float(bias.abs().max())
        instruction.before = tuple(before)
        return worth, largest


def lowered(blueprint: Blueprint) -> Program:
    """The program in integers, as finely as 53 bits allow: stored weights as they are, others in 8 bits.

    The input is taken to 2^-15, within ±32; thresholds, biases and ratios to 12 fraction bits, or to 8 where sums
    of sums would grow too wide. At these, few codes change but by what the weights' own rounding changes.

    Raises:
        NotExact: as `IntegerMode.lower`.
    """
    for index, bits in enumerate(_FRACTION_BITS):
        mode = IntegerMode(weights=Uniform(bits=8), fraction_bits=bits, encoder=_INPUT)
        try:
            return mode.lower(blueprint)
        except NotExact:
            if index == len(_FRACTION_BITS) - 1:
                raise
    raise AssertionError("there is a last number of bits")


def _require_totals(node: Node) -> None:
    for edge in node.edges:
        if edge.alignment is not None and not edge.alignment.averages:
            raise NotExact(
                f"edge {edge.source!r} to {node.name!r}: {edge.alignment.kind} cuts or repeats a train, and integer "
                "mode passes totals on: choose average"
            )


def _most(factor: Tensor | None) -> float:
    """The largest magnitude of a factor; at least 1, so that what it stands for bounds the factor's input as well."""
    return 1.0 if factor is None else max(float(factor.abs().max()), 1.0)
