"""What moves values rounds nothing; a concatenation counts a term an input."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from spikewright.ann.ops.moves import Concat, Gather, Identity, Permute, Reshape, Slice, ZeroPad
from spikewright.ann.source import SourceNode
from spikewright.measure.equality.bounds import Bound, Size, on_magnitudes


def _moved(node: SourceNode, inputs: Sequence[Size], roles: Mapping[str, Tensor]) -> Size:
    return on_magnitudes(node, inputs, roles, 0)


def _concat(node: SourceNode, inputs: Sequence[Size], roles: Mapping[str, Tensor]) -> Size:
    return on_magnitudes(node, inputs, roles, len(inputs))


RULES: dict[type, Bound] = {
    **dict.fromkeys((Identity, Gather, Permute, Reshape, Slice, ZeroPad), _moved),
    Concat: _concat,
}
