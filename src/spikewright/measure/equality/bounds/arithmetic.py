"""Sums: a term an input; a product with a constant: one."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.ann.source import SourceNode
from spikewright.measure.equality.bounds import Bound, Size, on_magnitudes


def _add(node: SourceNode, inputs: Sequence[Size], roles: Mapping[str, Tensor]) -> Size:
    return on_magnitudes(node, inputs, roles, len(inputs))


def _scale(node: SourceNode, inputs: Sequence[Size], roles: Mapping[str, Tensor]) -> Size:
    return on_magnitudes(node, inputs, roles, 2)


RULES: dict[type, Bound] = {Add: _add, Scale: _scale}
