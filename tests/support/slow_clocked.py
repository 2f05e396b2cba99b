"""A directly trained network as loops in float64: one step after the other, one neuron after the other.

It walks a captured network as its user wrote it, batch norm unfolded, and shares no code with staging, folding, the
engines, the scan, the encoders or the formats.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spikewright.ann.ops import Operation
from spikewright.ann.ops.activations import Activation, BatchNorm, Offset
from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.ann.ops.curves import Curve
from spikewright.ann.ops.moves import Concat, Identity, Permute, Reshape, Slice, ZeroPad
from spikewright.ann.ops.pools import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool, Mean
from spikewright.ann.ops.products import Conv, Linear
from spikewright.ann.source import INPUT, Source, SourceNode

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Neurons:
    """What the neurons of a network are; scales (in thresholds) and leaks by the activation or pool they stand for."""

    threshold: float = 1.0
    reset: str = "soft"
    leaks: Mapping[str, float]
    bits: int | None = None
    scales: Mapping[str, float] = field(default_factory=dict)
    squash: bool = False


@dataclass
class Layer:
    """The membranes of one layer, as nested loops over its neurons."""

    name: str
    neurons: Neurons
    closest: float = math.inf  # how near a membrane came to its threshold, or to where it is rounded
    stored: Array | None = None
    owed: Array | None = None

    def step(self, current: Array) -> Array:
        if self.stored is None or self.owed is None:
            self.stored, self.owed = np.zeros(current.shape), np.zeros(current.shape)
        spikes = np.zeros(current.shape)
        for place in np.ndindex(current.shape):
            q, debt, fired = self._neuron(self.stored[place], self.owed[place], current[place])
            self.stored[place], self.owed[place], spikes[place] = q, debt, fired
        return spikes

    def _neuron(self, q: float, debt: float, current: float) -> tuple[float, float, float]:
        how = self.neurons
        m = how.leaks[self.name] * q + current - debt
        self.closest = min(self.closest, abs(m - how.threshold))
        fired, debt = float(m >= how.threshold), 0.0
        if how.reset == "soft":
            m -= fired * how.threshold
        elif how.reset == "hard":
            m = 0.0 if fired else m
        else:
            debt = fired * how.threshold
        return self._remembered(m), debt, fired

    def _remembered(self, m: float) -> float:
        how = self.neurons
        if how.bits is None:
            return m
        if how.squash:
            m = math.tanh(m / how.threshold) * how.threshold
        n, a = 2 ** (how.bits - 1) - 1, how.scales[self.name] * how.threshold
        place = n * min(max(m / a, -1.0), 1.0) + 0.5
        if abs(m) < a:
            self.closest = min(self.closest, abs(place - round(place)) * a / n)
        return math.floor(place) * a / n


@dataclass(frozen=True)
class Verdicts:
    """By activation, or by the pool of one, spikes [T, N, *]; the output at each step [T, N, *]; and how near a tie."""

    spikes: dict[str, Array]
    output: Array
    closest: float


def loop(
    source: Source,
    train: Array,
    neurons: Neurons,
    *,
    weights: Mapping[str, Array] | None = None,
    biases: bool = True,
    fires: bool = False,
) -> Verdicts:
    """Run a captured network on a train [T, N, *input_shape].

    `weights` replaces those of some nodes, as they are after rounding; `biases` False leaves out those of matrix
    products and convolutions; `fires` puts neurons, named `readout_neurons`, after the output.
    """
    layers: dict[str, Layer] = {}
    spikes: dict[str, list[Array]] = {}
    output = []
    for arriving in train:
        values, currents = {INPUT: arriving.astype(float)}, {}
        for node in source.nodes:
            pools = isinstance(node.op, MaxPool | AdaptiveMaxPool)
            if pools and node.inputs[0] in currents:
                currents[node.name] = _windows(node.op, currents[node.inputs[0]], node.shape, np.max)
            elif isinstance(node.op, Activation | Curve):
                currents[node.name] = values[node.inputs[0]]
            else:
                inputs = [values[name] for name in node.inputs]
                values[node.name] = _value(node, inputs, _roles(source, node, weights or {}, biases))
            # an activation that only pools read has no neurons of its own
            if node.name in currents and node.name in neurons.leaks:
                layer = layers.setdefault(node.name, Layer(node.name, neurons))
                values[node.name] = layer.step(currents[node.name])
                spikes.setdefault(node.name, []).append(values[node.name])
        value = values[source.output]
        if fires:
            layer = layers.setdefault("readout_neurons", Layer("readout_neurons", neurons))
            value = layer.step(value)
            spikes.setdefault("readout_neurons", []).append(value)
        output.append(value)
    closest = min((layer.closest for layer in layers.values()), default=math.inf)
    return Verdicts({name: np.stack(steps) for name, steps in spikes.items()}, np.stack(output), closest)


def _roles(source: Source, node: SourceNode, weights: Mapping[str, Array], biases: bool) -> dict[str, Array]:
    found = {role: source.arrays[name].double().numpy() for role, name in node.arrays}
    if isinstance(node.op, Linear | Conv) and not biases:
        found.pop("bias", None)
    return {**found, "weight": weights[node.name]} if node.name in weights else found


def _value(node: SourceNode, inputs: list[Array], roles: dict[str, Array]) -> Array:
    x, op = inputs[0], node.op
    match op:
        case Linear():
            return np.stack([(x * row).sum(-1) for row in roles["weight"]], -1) + roles.get("bias", 0.0)
        case Conv():
            made = (_spread_out if op.transposed else _convolved)(op, x, roles["weight"], node.shape)
            return made + _by_channel(roles.get("bias", np.zeros(node.shape[0])), made)
        case BatchNorm():
            unit = (x - _by_channel(roles["mean"], x)) / np.sqrt(_by_channel(roles["variance"], x) + op.epsilon)
            one, zero = np.ones_like(roles["mean"]), np.zeros_like(roles["mean"])
            return unit * _by_channel(roles.get("weight", one), x) + _by_channel(roles.get("bias", zero), x)
        case Offset():
            return x + roles["offset"]
        case Scale():
            return x * roles["weight"]
        case Add():
            return sum(inputs[1:], start=x)
        case Concat():
            return np.concatenate(inputs, op.dim)
        case Identity():
            return x
        case Reshape():
            return x.reshape(len(x), *op.shape)
        case Permute():
            return np.transpose(x, op.dims)
        case Slice():
            return np.take(x, range(op.start, op.stop, op.step), op.dim)
        case ZeroPad():
            pairs = [(op.pads[i], op.pads[i + 1]) for i in range(0, len(op.pads), 2)][::-1]
            return np.pad(x, [(0, 0)] * (x.ndim - len(pairs)) + pairs)
        case Mean():
            return x.mean(tuple(op.dims), keepdims=op.keepdim)
        case _:
            reduce = np.max if isinstance(op, MaxPool | AdaptiveMaxPool) else np.mean
            return _windows(op, x, node.shape, reduce)


def _by_channel(array: Array, like: Array) -> Array:
    return array.reshape(-1, *(1,) * (like.ndim - 2))


def _convolved(op: Conv, x: Array, weight: Array, shape: tuple[int, ...]) -> Array:
    made, inside = np.zeros((len(x), *shape)), weight.shape[1]
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in op.padding)])
    for channel, *place in np.ndindex(shape):
        group = channel // (shape[0] // op.groups)
        for tap in np.ndindex(weight.shape[2:]):
            at = tuple(p * s + k * d for p, s, k, d in zip(place, op.stride, tap, op.dilation, strict=True))
            read = padded[(slice(None), slice(group * inside, (group + 1) * inside), *at)]
            made[(slice(None), channel, *place)] += (read * weight[(channel, slice(None), *tap)]).sum(1)
    return made


def _spread_out(op: Conv, x: Array, weight: Array, shape: tuple[int, ...]) -> Array:
    """A transposed convolution: every input element adds its weights to a window of the output."""
    made, outside = np.zeros((len(x), *shape)), weight.shape[1]
    per_group = x.shape[1] // op.groups
    for channel, *place in np.ndindex(x.shape[1:]):
        group = channel // per_group
        for tap in np.ndindex(weight.shape[2:]):
            at = [
                p * s + k * d - q for p, s, k, d, q in zip(place, op.stride, tap, op.dilation, op.padding, strict=True)
            ]
            if all(0 <= a < size for a, size in zip(at, shape[1:], strict=True)):
                for index in range(outside):
                    value = x[(slice(None), channel, *place)] * weight[(channel, index, *tap)]
                    made[(slice(None), group * outside + index, *at)] += value
    return made


def _windows(op: Operation, x: Array, shape: tuple[int, ...], reduce) -> Array:
    """Pool each window of each channel; padding of an average counts, that of a maximum does not."""
    made = np.zeros((len(x), *shape))
    for channel, *place in np.ndindex(shape):
        inside = [x[(slice(None), channel, *at)] for at in _places(op, place, x.shape[2:], shape[1:])]
        value = reduce(np.stack(inside), 0)
        if isinstance(op, AveragePool):
            value = value * len(inside) / _divisor(op, place, x.shape[2:], len(inside))
        made[(slice(None), channel, *place)] = value
    return made


def _divisor(op: AveragePool, place: list[int], given: tuple[int, ...], inside: int) -> int:
    """What a sum over a window is divided by: its places in the image, or in the image with its padding."""
    if op.divisor is not None or not op.count_include_pad:
        return op.divisor or inside
    starts = [i * s - p for i, s, p in zip(place, op.stride, op.padding, strict=True)]
    stops = [min(a + k, n + p) for a, k, n, p in zip(starts, op.kernel, given, op.padding, strict=True)]
    return math.prod(stop - start for start, stop in zip(starts, stops, strict=True))


def _places(op: Operation, place: list[int], given: tuple[int, ...], made: tuple[int, ...]) -> Iterator[list[int]]:
    if isinstance(op, AdaptiveAveragePool | AdaptiveMaxPool):
        spans = [range(i * n // m, -(-(i + 1) * n // m)) for i, n, m in zip(place, given, made, strict=True)]
        yield from ([span[k] for span, k in zip(spans, at, strict=True)] for at in np.ndindex(*map(len, spans)))
        return
    assert isinstance(op, AveragePool | MaxPool)
    dilation = op.dilation if isinstance(op, MaxPool) else (1,) * len(op.kernel)
    for tap in np.ndindex(*op.kernel):
        at = [i * s + k * d - p for i, s, k, d, p in zip(place, op.stride, tap, dilation, op.padding, strict=True)]
        if all(0 <= a < size for a, size in zip(at, given, strict=True)):
            yield at


# Weights as they are stored --------------------------------------------------------------------------------------


def one_bit(weight: Array) -> Array:
    """± the mean of |ŵ| of an output channel, ŵ being standardised over the layer."""
    deviation = math.sqrt(((weight - weight.mean()) ** 2).mean())
    standard = (weight - weight.mean()) / (deviation or 1.0)
    made = np.empty_like(weight)
    for channel, row in enumerate(standard):
        made[channel] = np.where(row >= 0, 1.0, -1.0) * np.abs(row).mean()
    return made


def few_bits(weight: Array, bits: int) -> Array:
    """The nearest of the evenly spaced values that so many bits hold, both ends used."""
    step = (np.abs(weight).max() or 1.0) / (2 ** (bits - 1) - 1)
    return np.round(weight / step) * step
