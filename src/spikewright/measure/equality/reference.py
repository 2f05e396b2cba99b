"""The independent reference: the source's own graph in float64, batch norm unfolded, each activation rounded.

    code = clip(⌊(z + v0)/unit⌋, 0, Σw)         value = unit · code
    code = clip(⌊(g(z) + v0)/unit⌋, −m, Σw − m), or sgn(g)·clip(⌊(|g(z)| + v0)/unit⌋, 0, Σw)     activations g, no ReLU
It interprets the captured graph and shares no code with folding or the engines. Beside the codes it tells how
far each potential is from the nearest code boundary, and how far rounding can have moved it:

    B = ((n + T + 4) · 2⁻⁵³ · (Σ|W||x| + |b| + v0) + e)/unit,   n = terms accumulated, over graded chains too

with e what is left of the errors of norms, gates and the like further back (`bounds/`), 0 where there are none.
For those B is g's steepness times as large, and 8·2⁻⁵³·(|g(z)| + 1)/unit for the function itself is added. Where
every distance exceeds twice B (once for the reference, once for the engine) equality is proven for
these inputs, not only observed.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ends import Batch, in_type, values_at_start
from spikewright.ann.ops import Activating
from spikewright.ann.ops.rules import gathered
from spikewright.ann.source import Source, SourceNode
from spikewright.measure.equality.bounds import EPSILON, Case, Size


class Rounding(NamedTuple):
    """How one activation is rounded; tensors broadcast to its features."""

    unit: Tensor
    initial: Tensor
    levels: int
    timesteps: int
    below: Tensor = torch.zeros(())  # steps below 0


class Margin(NamedTuple):
    """Distances of one activation's potentials to the nearest code boundary, in units, and the rounding bounds."""

    distance: Tensor
    bound: Tensor


class Truth(NamedTuple):
    """What the reference says of a batch."""

    values: dict[str, Tensor]  # every node's value, float64
    margins: dict[str, Margin]  # by activation
    outputs: dict[str, Tensor]  # by name of the output
    output_bounds: dict[str, Tensor]  # rounding bound of each, in its own unit

    @property
    def output(self) -> Tensor:
        """The only output."""
        (found,) = self.outputs.values()
        return found

    @property
    def output_bound(self) -> Tensor:
        """Of the only output."""
        (found,) = self.output_bounds.values()
        return found


BOUNDS = gathered("bounding of rounding", "spikewright.measure.equality.bounds")


def in_float64(source: Source) -> dict[str, Tensor]:
    """The source's arrays promoted to float64, for several batches."""
    return {name: array.double() for name, array in source.arrays.items()}


def refer(source: Source, x: Batch, rounding: Mapping[str, Rounding], *, arrays: Mapping[str, Tensor]) -> Truth:
    """Evaluate the quantised source on a batch.

    Args:
        source: the captured network.
        x: prepared inputs [N, *input_shape]; several by name.
        rounding: for each activation's name, how it is rounded.
        arrays: `in_float64(source)`.
    """
    values = values_at_start(source.inputs, in_type(x, torch.float64), torch.float64)
    sizes = {name: Size(value.abs(), 0) for name, value in values.items()}
    margins: dict[str, Margin] = {}
    steps = max((rule.timesteps for rule in rounding.values()), default=1)
    for node in source.nodes:
        roles = {role: arrays[name] for role, name in node.arrays}
        inputs = [values[name] for name in node.inputs]
        if node.op.activates:
            rule = rounding[node.name]
            found = _rounded(node, inputs[0], sizes[node.inputs[0]], rule, roles, steps)
            values[node.name], margins[node.name] = found
            sizes[node.name] = Size(values[node.name].abs() + rule.below * rule.unit, 1 + int(rule.below.any()))
        else:
            made = values[node.name] = interpreter.evaluate(node, inputs, roles)
            case = Case(node, [sizes[name] for name in node.inputs], inputs, made, roles, steps)
            sizes[node.name] = BOUNDS[node.op](case)
    outputs = {each.name: values[each.node] for each in source.outputs}
    bounds = {each.name: sizes[each.node].bound(steps + 4) for each in source.outputs}
    return Truth(values, margins, outputs, bounds)


def codes_of(node: SourceNode, z: Tensor, rule: Rounding, roles: Mapping[str, Tensor]) -> Tensor:
    """The integer codes [N, *features] of an activation's potentials z, in their own type."""
    op = node.op
    assert isinstance(op, Activating)
    if not op.staircase:
        return ((z + rule.initial) / rule.unit).floor().clamp(0, rule.levels)
    value = interpreter.unrounded(node, z, roles)
    if op.signed:
        return torch.sign(value) * ((value.abs() + rule.initial) / rule.unit).floor().clamp(0, rule.levels)
    return ((value + rule.initial) / rule.unit + rule.below).floor().clamp(0, rule.levels) - rule.below


def _rounded(
    node: SourceNode, z: Tensor, size: Size, rule: Rounding, roles: Mapping[str, Tensor], steps: int
) -> tuple[Tensor, Margin]:
    """The value of an activation, and its margin."""
    op = node.op
    assert isinstance(op, Activating)
    value = codes_of(node, z, rule, roles) * rule.unit
    error = size._replace(magnitude=size.magnitude + rule.initial).bound(steps + 4)
    if not op.staircase:
        u = (z + rule.initial) / rule.unit
        return value, Margin((u - u.round().clamp(1, rule.levels)).abs(), error / rule.unit)
    plain, slope = interpreter.unrounded(node, z, roles), roles.get("slope")
    u = ((plain.abs() if op.signed else plain) + rule.initial) / rule.unit + rule.below
    distance = (u - u.round().clamp(1, rule.levels)).abs()
    if op.jump is not None:
        distance = torch.where((z - op.jump).abs() <= 2 * error, 0.0, distance)
    bound = op.steepness(slope) * error + 8 * EPSILON * (plain.abs() + 1)
    return value, Margin(distance, bound / rule.unit)
