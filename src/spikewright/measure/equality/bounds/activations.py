"""Batch norm on magnitudes, its mean added and not subtracted; constants. An activation starts anew: it is rounded."""

from spikewright.ann.ops.activations import Activation, BatchNorm, Offset
from spikewright.ann.ops.rules import Refused
from spikewright.measure.equality.bounds import Bound, Case, Size, infinite, on_magnitudes


def _batch_norm(case: Case) -> Size:
    (size,), roles = case.inputs, case.roles
    assert isinstance(case.node.op, BatchNorm)
    spread = (-1, *(1,) * (size.magnitude.dim() - 2))
    gain = (roles["variance"] + case.node.op.epsilon).rsqrt()
    if "weight" in roles:
        gain = gain * roles["weight"].abs()
    shifted = (size.magnitude + roles["mean"].abs().reshape(spread)) * gain.reshape(spread)
    if "bias" in roles:
        shifted = shifted + roles["bias"].abs().reshape(spread)
    error = None if size.error is None else infinite(size.error * gain.reshape(spread))
    return Size(shifted, size.terms + 4, error)


def _offset(case: Case) -> Size:
    alike = case.values[0].shape == case.made.shape
    return on_magnitudes(case, 2, (lambda: 1.0) if alike else None)


RULES: dict[type, Bound | Refused] = {
    BatchNorm: _batch_norm,
    Offset: _offset,
    Activation: Refused("the reference rounds it, by the levels of the network it is compared with"),
}
