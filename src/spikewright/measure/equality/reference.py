"""The independent reference: the source's own graph in float64, batch norm unfolded, each activation rounded.

    code = clip(⌊(z + v0)/unit⌋, 0, Σw)         value = unit · code
It interprets the captured graph and shares no code with folding or the engines. Beside the codes it tells how
far each potential is from the nearest code boundary, and how far rounding can have moved it:

    B = (n + T + 4) · 2⁻⁵³ · (Σ|W||x| + |b| + v0)/unit,   n = terms accumulated, over graded chains too

Where every distance exceeds twice B (once for the reference, once for the engine) equality is proven for
these inputs, not only observed.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ends import Batch, in_type, values_at_start
from spikewright.ann.ops.rules import gathered
from spikewright.ann.source import Source
from spikewright.measure.equality.bounds import Size

EPSILON = 2.0**-53


class Rounding(NamedTuple):
    """How one activation is rounded; tensors broadcast to its features."""

    unit: Tensor
    initial: Tensor
    levels: int
    timesteps: int


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
    for node in source.nodes:
        roles = {role: arrays[name] for role, name in node.arrays}
        inputs = [values[name] for name in node.inputs]
        if node.op.activates:
            rule = rounding[node.name]
            u = (inputs[0] + rule.initial) / rule.unit
            codes = u.floor().clamp(0, rule.levels)
            values[node.name] = codes * rule.unit
            margins[node.name] = _margin(u, sizes[node.inputs[0]], rule)
            sizes[node.name] = Size(values[node.name], 1)
        else:
            values[node.name] = interpreter.evaluate(node, inputs, roles)
            sizes[node.name] = BOUNDS[node.op](node, [sizes[name] for name in node.inputs], roles)
    outputs = {each.name: values[each.node] for each in source.outputs}
    bounds = {each.name: _bound(sizes[each.node]) for each in source.outputs}
    return Truth(values, margins, outputs, bounds)


def _bound(size: Size) -> Tensor:
    return (size.terms + 4) * EPSILON * size.magnitude


def _margin(u: Tensor, size: Size, rule: Rounding) -> Margin:
    nearest = u.round().clamp(1, rule.levels)
    bound = (size.terms + rule.timesteps + 4) * EPSILON * (size.magnitude + rule.initial) / rule.unit
    return Margin((u - nearest).abs(), bound)
