"""The independent reference: the source's own graph in float64, batch norm unfolded, each activation rounded.

    code = clip(⌊(z + v0)/unit⌋, 0, Σw)         value = unit · code
It interprets the captured graph and shares no code with folding or the engines. Beside the codes it tells how
far each potential is from the nearest code boundary, and how far rounding can have moved it:

    B = ((n + T + 4) · 2⁻⁵³ · (Σ|W||x| + |b| + v0) + e)/unit,   n = terms accumulated, over graded chains too
with e what is left of the errors of norms, gates and the like further back (`bounds/`), 0 where there are none.
Where every distance exceeds twice B (once for the reference, once for the engine) equality is proven for
these inputs, not only observed.
"""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ops.rules import gathered
from spikewright.ann.source import INPUT, Source
from spikewright.measure.equality.bounds import Case, Size


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
    output: Tensor
    output_bound: Tensor  # rounding bound of each output, in its own unit


BOUNDS = gathered("bounding of rounding", "spikewright.measure.equality.bounds")


def in_float64(source: Source) -> dict[str, Tensor]:
    """The source's arrays promoted to float64, for several batches."""
    return {name: array.double() for name, array in source.arrays.items()}


def refer(source: Source, x: Tensor, rounding: Mapping[str, Rounding], *, arrays: Mapping[str, Tensor]) -> Truth:
    """Evaluate the quantised source on a batch.

    Args:
        source: the captured network.
        x: prepared inputs [N, *input_shape].
        rounding: for each activation's name, how it is rounded.
        arrays: `in_float64(source)`.
    """
    x = x.double()
    values: dict[str, Tensor] = {INPUT: x}
    sizes = {INPUT: Size(x.abs(), 0)}
    margins: dict[str, Margin] = {}
    steps = max((rule.timesteps for rule in rounding.values()), default=1)
    for node in source.nodes:
        roles = {role: arrays[name] for role, name in node.arrays}
        inputs = [values[name] for name in node.inputs]
        if node.op.activates:
            rule = rounding[node.name]
            u = (inputs[0] + rule.initial) / rule.unit
            codes = u.floor().clamp(0, rule.levels)
            values[node.name] = codes * rule.unit
            margins[node.name] = _margin(u, sizes[node.inputs[0]], rule, steps)
            sizes[node.name] = Size(values[node.name], 1)
        else:
            made = values[node.name] = interpreter.evaluate(node, inputs, roles)
            case = Case(node, [sizes[name] for name in node.inputs], inputs, made, roles, steps)
            sizes[node.name] = BOUNDS[node.op](case)
    return Truth(values, margins, values[source.output], sizes[source.output].bound(steps + 4))


def _margin(u: Tensor, size: Size, rule: Rounding, steps: int) -> Margin:
    nearest = u.round().clamp(1, rule.levels)
    bound = size._replace(magnitude=size.magnitude + rule.initial).bound(steps + 4) / rule.unit
    return Margin((u - nearest).abs(), bound)
