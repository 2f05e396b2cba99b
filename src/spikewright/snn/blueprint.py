"""The blueprint: a plan and its arrays. Everything that converts, measures, exports or runs goes through it.

Arrays, in the value scale (docs/concepts.md), by name:
    {node}.weight                  of a weighted operation, batch norm folded; integers where the node has a format
    {node}.gain                    factor on what those integers make: their worth, and the batch norm's gain
    {node}.bias                    the constant part of a node's value, over the window; of a clocked stage, at every
                                   step
    {node}.threshold               potential that one unit of step weight costs        (stages)
    {node}.initial_potential       v0                                                  (stages)
    {node}.amplitude               what a spike of step weight 1 injects downstream    (stages)
    {node}.before{i}.weight|bias   of the i-th operation before firing, if it is a Scale
    {node}.rising|falling          the table of a staircase, its thresholds along the first axis
    {node}.rest                    what the code 0 stands for, if not for 0; whoever reads the stage has it in its bias
Each broadcasts to the node's features: a scalar, per channel, or per neuron. Knows nothing about the source.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from spikewright.ann.ops import Product, Shape
from spikewright.ann.shapes import blank, require_channels, shape_made, stand_in
from spikewright.errors import BadPlan
from spikewright.snn.ends import AnyPreparation
from spikewright.snn.nodes import Node, Stage
from spikewright.snn.plan import Plan


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Blueprint:
    """A spiking network as data; `network.build` makes it run.

    Raises:
        BadPlan: an array is missing, not finite, of the wrong shape, or a threshold is not positive.
    """

    plan: Plan
    arrays: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", _with_shared(self.plan, self.arrays))
        for node in self.plan.nodes:
            for name in _required(node):
                if name not in self.arrays:
                    raise BadPlan(f"the plan needs an array {name!r} that the weights do not hold: convert again")
        for name, array in self.arrays.items():
            if array.is_floating_point() and not bool(array.isfinite().all()):
                raise BadPlan(f"array {name!r} holds values that are not finite: mend the source's weights")
            if name.endswith((".threshold", ".amplitude")) and not bool((array > 0).all()):
                raise BadPlan(f"array {name!r} must be positive, its least value is {float(array.min()):g}")
        for node in self.plan.nodes:
            if node.weights is not None:
                _check_stored(node, node.weights.bits, self.arrays)
            if isinstance(node, Stage):
                _check_tables(node, self.arrays)
        _check_shapes(self)

    def array(self, node: Node, role: str) -> Tensor | None:
        """The array `{node}.{role}`, or None."""
        return self.arrays.get(f"{node.name}.{role}")

    def __repr__(self) -> str:
        stages, plan = self.plan.stages, self.plan
        steps = sorted({node.firing.code.timesteps for node in stages if node.firing is not None})
        times = "" if not steps else f", T = {steps[0]}" if len(steps) == 1 else f", T = {steps[0]} to {steps[-1]}"
        own = self.stored_arrays
        count = sum(array.numel() for name, array in own.items() if name.endswith((".weight", ".bias")))
        bits = f", weights of {', '.join(map(str, self.weight_bits))} bits" if self.weight_bits else ""
        takes = ", ".join(str(list(each.sample_shape)) for each in plan.inputs)
        gives = ", ".join(str(list(node.shape)) for node in plan.outputs.values())
        shapes = f"{takes} → {gives}"
        return f"Blueprint({len(stages)} stages{times}, {shapes}, {count:,} parameters{bits})"

    def prepared(self, preparation: AnyPreparation | None) -> "Blueprint":
        """The same network, whose input is prepared so."""
        return Blueprint(self.plan.with_input(preparation=preparation), self.arrays)

    @property
    def stored_arrays(self) -> dict[str, Tensor]:
        """The arrays that a file or a memory holds: those of nodes that share a weight only once."""
        shared = {f"{node.name}.weight" for node in self.plan.nodes if node.shares is not None}
        return {name: array for name, array in self.arrays.items() if name not in shared}

    @property
    def weight_bits(self) -> tuple[int, ...]:
        """The bits of stored weights that occur; none where all weights are floating point."""
        return tuple(sorted({node.weights.bits for node in self.plan.nodes if node.weights is not None}))

    def weight(self, node: Node) -> Tensor | None:
        """A node's weight in the value scale, float64, whatever it is stored as."""
        weight, gain = self.array(node, "weight"), self.array(node, "gain")
        if weight is None or node.weights is None:
            return None if weight is None else weight.double()
        assert gain is not None
        assert isinstance(node.op, Product)
        channels = node.op.out_channels(weight)
        return node.op.scale_outputs(weight.double(), gain.double().reshape(-1).expand(channels))


def _with_shared(plan: Plan, arrays: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The arrays, with the weights of nodes that share one under their own names as well: the same tensors.

    Raises:
        BadPlan: two nodes that share a weight have different ones.
    """
    owners = {node.name: node.shares for node in plan.nodes if node.shares is not None}
    if not owners:
        return arrays
    found = dict(arrays)
    for name, owner in owners.items():
        theirs, own = found.get(f"{owner}.weight"), found.get(f"{name}.weight")
        if theirs is None:
            continue  # refused as missing
        if own is not None and own is not theirs and not (own.dtype == theirs.dtype and torch.equal(own, theirs)):
            raise BadPlan(f"nodes {owner!r} and {name!r} share a weight, and there are two of them: convert again")
        found[f"{name}.weight"] = theirs
    return found


def _required(node: Node) -> Iterator[str]:
    if node.op.weighted:
        yield f"{node.name}.weight"
    if node.weights is not None:
        yield f"{node.name}.gain"
    if isinstance(node, Stage):
        yield from (f"{node.name}.{role}" for role in ("threshold", "initial_potential", "amplitude"))
        yield from (f"{node.name}.{role}" for role in node.firing.law.arrays)
        for index, op in enumerate(node.firing.before_firing):
            if op.scales:
                yield f"{node.name}.before{index}.weight"
                yield f"{node.name}.before{index}.bias"


def _check_stored(node: Node, bits: int, arrays: Mapping[str, Tensor]) -> None:
    """Refuse a weight that its format cannot hold, and a gain that is not by channel."""
    stored, gain = arrays[f"{node.name}.weight"], arrays[f"{node.name}.gain"]
    if stored.is_floating_point() or stored.dtype == torch.bool:
        raise BadPlan(f"array '{node.name}.weight' must hold integers of {bits} bits, it holds {stored.dtype}")
    least, most = (-1, 1) if bits == 1 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    low, high = (int(value) for value in stored.aminmax())  # reductions, which need no memory of the weight's size
    if low < least or high > most or (bits == 1 and int(stored.count_nonzero()) < stored.numel()):
        raise BadPlan(f"array '{node.name}.weight' holds integers that {bits} bits cannot: store it again")
    if isinstance(node.op, Product) and stored.dim() > 1:
        channels = node.op.out_channels(stored)
        if gain.numel() not in (1, channels):
            raise BadPlan(
                f"array '{node.name}.gain' has shape {tuple(gain.shape)}: give one number, or one for each of "
                f"{channels} output channels"
            )


def _check_tables(stage: Stage, arrays: Mapping[str, Tensor]) -> None:
    """Refuse the table of a law that has another number of thresholds, or is not in order."""
    law, levels = stage.firing.law, stage.firing.code.levels
    for role in law.arrays:
        table, count = arrays[f"{stage.name}.{role}"], law.thresholds(levels)
        if not table.dim() or len(table) != count:
            raise BadPlan(f"array '{stage.name}.{role}' of shape {tuple(table.shape)} must hold {count} thresholds")
        rises = table.diff(dim=0) >= 0 if role == "rising" else table.diff(dim=0) <= 0
        if not bool(rises.all()):
            raise BadPlan(f"array '{stage.name}.{role}' must hold thresholds in order: convert again")


def _check_shapes(blueprint: Blueprint) -> None:
    """Run the plan on nothing but shapes: every shape must come out as the plan states it."""
    shapes: dict[str, Shape] = {each.name: each.value_shape for each in blueprint.plan.inputs}
    for node in blueprint.plan.nodes:
        try:
            value = _value(blueprint, node, [shapes[name] for name in node.inputs])
        except (RuntimeError, LookupError, ValueError, TypeError, ArithmeticError, MemoryError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise BadPlan(
                f"node {node.name!r}: its arrays do not fit its operation ({reason}): convert again"
            ) from None
        if tuple(value.shape) != (1, *node.shape):
            # an array with an axis too many would spread over the batch
            made = tuple(value.shape[1:]) if len(value) == 1 else f"{len(value)} samples of one"
            raise BadPlan(f"node {node.name!r} makes {made}, the plan states {node.shape}: convert again")
        shapes[node.name] = node.shape


def _value(blueprint: Blueprint, node: Node, given: list[Shape]) -> Tensor:
    """What a node makes of one sample, [1, *], all its arrays put in; only its shape means anything."""

    def role(name: str) -> Tensor | None:
        array = blueprint.array(node, name)
        if array is not None and name != "weight" and array.dim() > max(len(node.shape), 1):
            raise ValueError(f"{name} has {array.dim()} axes, {len(node.shape)} are those of features")
        return None if array is None else stand_in(array)

    weight, gain, bias = role("weight"), role("gain"), role("bias")
    require_channels(node.op, given[0], blueprint.array(node, "weight"))
    plain = shape_made(node.op, given, lambda inputs: node.op(inputs, weight))
    value = blank(plain, samples=1)
    value = value if gain is None else value * gain
    value = value if bias is None else value + bias
    if len(value) == 1 and tuple(value.shape[1:]) != plain:
        raise ValueError(f"gain and bias make {tuple(value.shape[1:])} of {plain}")
    if isinstance(node, Stage):
        for index, op in enumerate(node.firing.before_firing):
            value = op([value], role(f"before{index}.weight"))
        for name in ("threshold", "initial_potential", "amplitude", "rest"):
            own = role(name)
            value = value if own is None else value + own
        for name in node.firing.law.arrays:
            table = blueprint.array(node, name)
            value = value if table is None else value + stand_in(table[0])
    return value
