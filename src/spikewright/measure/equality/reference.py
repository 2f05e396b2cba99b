"""The independent reference: the source's own graph in float64, batch norm unfolded, each activation rounded.

    code = clip(⌊(z + v0)/unit⌋, 0, Σw)         value = unit · code
It interprets the captured graph and shares no code with folding or the engines. Beside the codes it tells how
far each potential is from the nearest code boundary, and how far rounding can have moved it:

    B = (n + T + 4) · 2⁻⁵³ · (Σ|W||x| + |b| + v0)/unit,   n = terms accumulated, over graded chains too

Where every distance exceeds twice B (once for the reference, once for the engine) equality is proven for
these inputs, not only observed.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from spikewright.ann import interpreter, ops
from spikewright.ann import source as src
from spikewright.ann.source import INPUT, Source, SourceNode

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
    output: Tensor
    output_bound: Tensor  # rounding bound of each output, in its own unit


class _Size(NamedTuple):
    """Σ|W||x| of a node's value and the number of terms accumulated on the way to it."""

    magnitude: Tensor
    terms: int


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
    sizes = {INPUT: _Size(x.abs(), 0)}
    margins: dict[str, Margin] = {}
    for node in source.nodes:
        roles = {role: arrays[name] for role, name in node.arrays}
        inputs = [values[name] for name in node.inputs]
        if isinstance(node.op, src.Activation):
            rule = rounding[node.name]
            u = (inputs[0] + rule.initial) / rule.unit
            codes = u.floor().clamp(0, rule.levels)
            values[node.name] = codes * rule.unit
            margins[node.name] = _margin(u, sizes[node.inputs[0]], rule)
            sizes[node.name] = _Size(values[node.name], 1)
        else:
            values[node.name] = interpreter.evaluate(node, inputs, roles)
            sizes[node.name] = _size(node, [sizes[name] for name in node.inputs], roles)
    size = sizes[source.output]
    return Truth(values, margins, values[source.output], (size.terms + 4) * EPSILON * size.magnitude)


def _margin(u: Tensor, size: _Size, rule: Rounding) -> Margin:
    nearest = u.round().clamp(1, rule.levels)
    bound = (size.terms + rule.timesteps + 4) * EPSILON * (size.magnitude + rule.initial) / rule.unit
    return Margin((u - nearest).abs(), bound)


def _size(node: SourceNode, inputs: list[_Size], roles: Mapping[str, Tensor]) -> _Size:
    """The same graph on absolute values: what rounding errors can grow from."""
    terms = max(size.terms for size in inputs)
    magnitudes = [size.magnitude for size in inputs]
    match node.op:
        case src.BatchNorm(epsilon=epsilon):
            spread = (-1, *(1,) * (magnitudes[0].dim() - 2))
            gain = (roles["variance"] + epsilon).rsqrt()
            if "weight" in roles:
                gain = gain * roles["weight"].abs()
            shifted = (magnitudes[0] + roles["mean"].abs().reshape(spread)) * gain.reshape(spread)
            if "bias" in roles:
                shifted = shifted + roles["bias"].abs().reshape(spread)
            return _Size(shifted, terms + 4)
        case ops.Linear() | ops.Conv() | ops.Scale() | src.Offset():
            positive = {role: array.abs() for role, array in roles.items()}
            return _Size(interpreter.evaluate(node, magnitudes, positive), terms + _fan_in(node.op, roles) + 1)
        case ops.Add() | ops.Concat():
            return _Size(interpreter.evaluate(node, magnitudes, {}), terms + len(inputs))
        case ops.AveragePool(kernel=kernel):
            return _Size(interpreter.evaluate(node, magnitudes, {}), terms + math.prod(kernel) + 1)
        case ops.AdaptiveAveragePool() | ops.Mean():
            value = interpreter.evaluate(node, magnitudes, {})
            window = 2 * math.ceil(magnitudes[0][0].numel() / value[0].numel())  # windows differ by up to 2×
            return _Size(value, terms + window + 1)
        case _:
            return _Size(interpreter.evaluate(node, magnitudes, {}), terms)


def _fan_in(op: src.SourceOp, roles: Mapping[str, Tensor]) -> int:
    if isinstance(op, ops.Conv) and op.transposed:
        weight = roles["weight"]
        return weight.numel() // weight.shape[1] // op.groups
    return roles["weight"][0].numel() if isinstance(op, ops.Linear | ops.Conv) else 1
