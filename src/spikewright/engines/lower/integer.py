"""Lowering: a blueprint as an integer program, in which equality is exact by construction.

    acc = 2^f · Σ W_int · code_in + b_int,     U = 2 · round(2^f · θ / (2 g)),   v0 = U/2,   thresholds w[t] · U
g is what one unit of the integer sum is worth: the weight scale, with the worth of the inputs inside it.
Sums of inputs of different worth are put on one grid, M_i = round(2^f · g_i / g). Integers are carried in
floating point, where every sum is exact as long as it stays below 2^53 (2^24 in float32); each node's largest
possible sum is worked out and kept (`program.Reach`), and a network that could pass the limit is refused by the
node's name. v0 keeps its share of the threshold, U · v0/θ to the nearest integer: U/2 where it is half of it.

Weights that a node stores already are used as they are: only others are rounded, to the mode's format. Biases
and thresholds are rounded too, so the result is a changed source (`measure.equality.changed_codes` counts by how
much). Knows nothing about engines.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from spikewright.ann.ops import Averaging
from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.ann.ops.layout import compact, per_channel, scale_inputs
from spikewright.ann.ops.moves import Concat
from spikewright.ann.ops.pools import AdaptiveAveragePool, Mean
from spikewright.ann.ops.products import Conv, Linear
from spikewright.ann.source import INPUT
from spikewright.engines.program import Program, Reach, Step, StepArrays
from spikewright.errors import NotExact
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.grid import Grid
from spikewright.snn.formats import WeightFormat
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.nodes import Node

_LIMITS = {torch.float32: 2**24, torch.float64: 2**53}
# A mean divides and is multiplied back to an integer: the three roundings stay below one half only this far below
_AVERAGING_MARGIN = 8
_FRACTION_BITS = (12, 8)
_INPUT = Grid(fraction_bits=15, limit=2**20 - 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Flow:
    """What runs along an edge: integers, their worth, and the largest magnitude they can have."""

    worth: Tensor  # value = worth · integer; broadcasts to the features
    largest: float
    signed: bool = True  # whether an integer can be negative


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
        if not isinstance(plan.encoder, Graded):
            raise NotExact("integer mode needs an input that arrives once: convert with postponed firing")
        arrays = {name: array.double() for name, array in blueprint.arrays.items()}
        flows = {INPUT: _Flow(torch.tensor(2.0**-self.encoder.fraction_bits).double(), self.encoder.limit)}
        shapes = {INPUT: plan.input_shape, **{node.name: node.shape for node in plan.nodes}}
        steps, peak = [], 0.0
        for node in plan.nodes:
            if node.firing is not None and not node.firing.schedule.waits:
                raise NotExact(f"stage {node.name!r} fires as currents arrive: integer mode needs postponed firing")
            _require_totals(node)
            step, flow, largest = self._lower_node(node, [flows[name] for name in node.inputs], arrays, shapes)
            if isinstance(node.op, Averaging):
                largest *= _AVERAGING_MARGIN
            if largest >= _LIMITS[torch.float64]:
                raise NotExact(
                    f"node {node.name!r}: its integer sums can reach {largest:.1e}, above 2^53: "
                    "lower the weight bits, the timesteps or the fraction bits"
                )
            assert step.reach is not None
            step.reach = step.reach._replace(total=largest)
            peak = max(peak, largest)
            steps.append(Step(node, step))
            flows[node.name] = flow
        program = Program(replace(plan, encoder=self.encoder), steps, worth=flows[plan.readout.name].worth)
        dtype = torch.float32 if peak < _LIMITS[torch.float32] else torch.float64
        return program.to(dtype).eval()

    def _lower_node(
        self, node: Node, inputs: list[_Flow], arrays: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]
    ) -> tuple[StepArrays, _Flow, float]:
        step = StepArrays(integral=True)
        flow = self._lower_op(step, node, inputs, arrays, shapes)
        gained = [
            flow.largest * _most(gain) for flow, gain in zip(inputs, step.gains or (None,) * len(inputs), strict=True)
        ]
        read, signed = max(each.largest for each in inputs), any(each.signed for each in inputs)
        step.reach = Reach(read, signed, max(flow.largest / _most(step.after), *gained), flow.largest)
        scale = 2**self.fraction_bits
        bias = arrays.get(f"{node.name}.bias")
        if node.firing is None and bias is None:
            return step, flow, flow.largest
        # The stage's own grid is 2^f finer than its sums
        step.after = torch.tensor(float(scale)).double() * (1 if step.after is None else step.after)
        worth, largest = flow.worth / scale, flow.largest * scale
        if bias is not None:
            rounded = (bias / worth).round()
            step.bias = rounded
            largest += float(rounded.abs().max())
        if node.firing is None:
            return step, _Flow(worth, largest), largest
        worth, largest = self._lower_before(step, node, worth, largest, arrays)
        threshold = arrays[f"{node.name}.threshold"]
        step.threshold = 2 * (threshold / (2 * worth)).round().clamp(min=1)
        step.initial = (step.threshold * (arrays[f"{node.name}.initial_potential"] / threshold)).round()
        largest += max(float(step.initial.abs().max()), float(step.threshold.max()))
        out = _Flow(arrays[f"{node.name}.amplitude"], node.firing.code.levels, signed=False)
        return step, out, largest

    def _lower_op(
        self,
        step: StepArrays,
        node: Node,
        inputs: list[_Flow],
        arrays: Mapping[str, Tensor],
        shapes: Mapping[str, tuple[int, ...]],
    ) -> _Flow:
        first = inputs[0]
        if isinstance(node.op, Linear | Conv):
            if node.weights is not None:
                first = self._one_worth(step, node.op, first)
            return self._lower_weight(step, node, first, arrays[f"{node.name}.weight"], arrays.get(f"{node.name}.gain"))
        if isinstance(node.op, Scale):
            gain = arrays[f"{node.name}.weight"]
            step.weight = gain.sign()
            return _Flow(torch.where(gain == 0, 1.0, gain.abs()) * first.worth, first.largest)
        if isinstance(node.op, Add | Concat):
            return self._join(step, inputs, sum if isinstance(node.op, Add) else max)
        if isinstance(node.op, Averaging):
            divisor = _common_divisor(node.op, shapes[node.inputs[0]])
            step.after = torch.tensor(float(divisor)).double()
            return _Flow(self._moved(node, first, shapes) / divisor, first.largest * divisor, first.signed)
        return _Flow(self._moved(node, first, shapes), first.largest, first.signed)

    @staticmethod
    def _moved(node: Node, flow: _Flow, shapes: Mapping[str, tuple[int, ...]]) -> Tensor:
        """The worth of values that an operation moves or averages: it goes where they go."""
        if flow.worth.numel() == 1:
            return flow.worth
        full = flow.worth.expand(shapes[node.inputs[0]])
        if isinstance(node.op, Averaging):
            # A mean is exact only over values of one worth
            axes = node.op.dims if isinstance(node.op, Mean) else tuple(range(2, full.dim() + 1))
            keep = isinstance(node.op, Mean) and not node.op.keepdim
            low, high = (call(full.unsqueeze(0), axes, keepdim=not keep)[0] for call in (torch.amin, torch.amax))
            if not torch.equal(low, high):
                raise NotExact(
                    f"node {node.name!r} averages spikes worth different amounts: use one threshold per layer"
                )
            return high
        worth = node.op([full.unsqueeze(0)])[0]
        # Padding has no worth of its own: it takes its channel's
        around = worth.amax(tuple(range(1, worth.dim())), keepdim=True) if worth.dim() > 1 else worth
        worth = torch.where(worth == 0, around, worth)
        return compact(torch.where(worth == 0, 1.0, worth))

    def _join(self, step: StepArrays, inputs: list[_Flow], total: Callable[[Iterable[float]], float]) -> _Flow:
        """Put inputs of different worth on one grid, 2^f finer than that of the least."""
        worth = min((flow.worth.min() for flow in inputs), key=float)
        signed = any(flow.signed for flow in inputs)
        if all(flow.worth.numel() == 1 and float(flow.worth) == float(worth) for flow in inputs):
            return _Flow(worth, total(flow.largest for flow in inputs), signed)
        factors = [(2**self.fraction_bits * flow.worth / worth).round() for flow in inputs]
        step.gains = tuple(factors)
        largest = total(float(m.max()) * flow.largest for m, flow in zip(factors, inputs, strict=True))
        return _Flow(worth / 2**self.fraction_bits, largest, signed)

    def _one_worth(self, step: StepArrays, op: Linear | Conv, flow: _Flow) -> _Flow:
        """What stored weights read: they cannot take a worth by channel in, so it is put on one grid before them.

        A worth by row of a matrix product stays outside.
        """
        by_row = isinstance(op, Linear) and flow.worth.dim() > 1 and flow.worth.shape[-1] == 1
        return flow if flow.worth.numel() == 1 or by_row else self._join(step, [flow], sum)

    def _lower_weight(self, step: StepArrays, node: Node, flow: _Flow, weight: Tensor, gain: Tensor | None) -> _Flow:
        assert isinstance(node.op, Linear | Conv)
        channels = weight.shape[1] if isinstance(node.op, Linear) else _in_channels(node.op, weight)
        rows = (
            flow.worth if isinstance(node.op, Linear) and flow.worth.dim() > 1 and flow.worth.shape[-1] == 1 else None
        )
        # A matrix product reads its last axis: what is worth the same along it stays outside
        inside = torch.ones((), dtype=torch.float64) if rows is not None else flow.worth
        plain = not isinstance(node.op, Linear) or inside.dim() <= 1
        worth = per_channel(inside, (channels, *(1,) * (weight.dim() - 2))) if plain else None
        if worth is None:
            raise NotExact(
                f"node {node.name!r} reads values worth different amounts by position: use one threshold per layer"
            )
        if gain is None:
            stored, scale = self.weights.store(scale_inputs(node.op, weight, worth))
        else:
            stored, scale = weight, self._stored_scale(step, gain) * worth[0]
        step.weight = stored.double()
        reach = float(step.weight.abs().flatten(1).sum(1).max())
        if isinstance(node.op, Conv) and node.op.transposed:
            reach = float(step.weight.abs().sum())  # every weight at once is more than any output meets
            if gain is None and scale.numel() > 1:
                raise NotExact(f"node {node.name!r}: a transposed convolution needs one weight scale per tensor")
        if scale.numel() > 1:
            scale = scale.reshape(-1, *(1,) * (len(node.op.stride) if isinstance(node.op, Conv) else 0))
        scale = scale.reshape(()) if scale.numel() == 1 else scale
        return _Flow(scale if rows is None else scale * rows, reach * flow.largest)

    @staticmethod
    def _stored_scale(step: StepArrays, gain: Tensor) -> Tensor:
        """What stored integers are worth; a gain may be negative, or 0, and then its sign is a factor of its own."""
        if not bool((gain > 0).all()):
            step.after = gain.sign()
        return torch.where(gain == 0, 1.0, gain.abs())

    def _lower_before(
        self, step: StepArrays, node: Node, worth: Tensor, largest: float, arrays: Mapping[str, Tensor]
    ) -> tuple[Tensor, float]:
        assert node.firing is not None
        before: list[tuple[Tensor | None, Tensor | None]] = []
        for index, op in enumerate(node.firing.before_firing):
            if not isinstance(op, Scale):
                before.append((None, None))
                continue
            gain = arrays[f"{node.name}.before{index}.weight"]
            worth = torch.where(gain == 0, 1.0, gain.abs()) * worth
            bias = (arrays[f"{node.name}.before{index}.bias"] / worth).round()
            before.append((gain.sign(), bias))
            largest += float(bias.abs().max())
        step.before = tuple(before)
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


def _in_channels(op: Conv, weight: Tensor) -> int:
    return weight.shape[0] if op.transposed else weight.shape[1] * op.groups


def _common_divisor(op: Averaging, shape: tuple[int, ...]) -> int:
    """The least number by which every mean that the operation takes becomes an integer."""
    if isinstance(op, Mean):
        return math.prod(shape[dim - 1] for dim in op.dims)
    if isinstance(op, AdaptiveAveragePool):
        space = shape[-len(op.size) :]
        return math.prod(
            math.lcm(*(-(-(i + 1) * n // size) - i * n // size for i in range(size)))
            for n, size in zip(space, op.size, strict=True)
        )
    if op.divisor is not None:
        return op.divisor
    whole = not op.ceil_mode and (op.count_include_pad or not any(op.padding))
    return math.prod(k if whole else math.lcm(*range(1, k + 1)) for k in op.kernel)
