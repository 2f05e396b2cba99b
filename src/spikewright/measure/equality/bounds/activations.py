"""Batch norm on magnitudes, its mean added and not subtracted; constants. An activation starts anew: it is rounded."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from spikewright.ann.ops.activations import Activation, BatchNorm, Offset
from spikewright.ann.ops.rules import Refused
from spikewright.ann.source import SourceNode
from spikewright.measure.equality.bounds import Bound, Size, on_magnitudes


def _batch_norm(node: SourceNode, inputs: Sequence[Size], roles: Mapping[str, Tensor]) -> Size:
    magnitude, terms = inputs[0]
    assert isinstance(node.op, BatchNorm)
    spread = (-1, *(1,) * (magnitude.dim() - 2))
    gain = (roles["variance"] + node.op.epsilon).rsqrt()
    if "weight" in roles:
        gain = gain * roles["weight"].abs()
    shifted = (magnitude + roles["mean"].abs().reshape(spread)) * gain.reshape(spread)
    if "bias" in roles:
        shifted = shifted + roles["bias"].abs().reshape(spread)
    return Size(shifted, terms + 4)


def _offset(node: SourceNode, inputs: Sequence[Size], roles: Mapping[str, Tensor]) -> Size:
    return on_magnitudes(node, inputs, roles, 2)


RULES: dict[type, Bound | Refused] = {
    BatchNorm: _batch_norm,
    Offset: _offset,
    Activation: Refused("the reference rounds it, by the levels of the network it is compared with"),
}
