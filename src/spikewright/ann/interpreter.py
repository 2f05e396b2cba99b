"""What a captured source network means: each node evaluated by torch's own functions, one after the other.

The activation is passed in as an object, so the same walk serves plain evaluation, the quantised reference,
statistics and training. It shares no code with the engines or `ops`, which it is there to check.
Knows nothing about spikes.
"""

from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.ann import ops
from spikewright.ann import source as src
from spikewright.ann.rounding import clipped_round
from spikewright.ann.source import INPUT, Source, SourceNode

Activate = Callable[[SourceNode, Tensor, Mapping[str, Tensor]], Tensor]
Watch = Callable[[SourceNode, Tensor], None]


def as_trained(node: SourceNode, z: Tensor, roles: Mapping[str, Tensor]) -> Tensor:
    """The activation as the source was trained: clipped rounding where it has levels, else a (capped) ReLU.

    With a slip: slip · clip(z, 0, θ) + (1 − slip) · rounded, for Jiang et al., "A Unified Optimization Framework of
    ANN-SNN Conversion", 2023 (SlipReLU). Differs: the rounding is ours, by half a level, and θ is trained.
    """
    assert isinstance(node.op, src.Activation)
    if node.op.levels is not None:
        rounded = clipped_round(z, roles["threshold"], node.op.levels)
        if not node.op.slip:
            return rounded
        return node.op.slip * torch.minimum(F.relu(z), roles["threshold"]) + (1 - node.op.slip) * rounded
    return F.relu(z) if node.op.cap is None else z.clamp(0, node.op.cap)


def run(
    source: Source,
    x: Tensor,
    *,
    activate: Activate = as_trained,
    arrays: Mapping[str, Tensor] | None = None,
    training: bool = False,
    watch: Watch | None = None,
) -> Tensor:
    """Evaluate the network on a batch.

    Args:
        source: the network.
        x: prepared inputs, [N, *input_shape].
        activate: called at every activation with (node, pre-activation, its arrays).
        arrays: used in place of the source's own (parameters in training, float64 copies in the reference).
        training: batch norm uses the batch's statistics and updates its running ones.
        watch: called with every node and its value.

    Returns:
        The output node's value, [N, *output_shape].
    """
    held = source.arrays if arrays is None else arrays
    last_use = {name: node.name for node in source.nodes for name in node.inputs}
    values = {INPUT: x}
    for node in source.nodes:
        inputs = [values[name] for name in node.inputs]
        roles = {role: held[name] for role, name in node.arrays}
        value = evaluate(node, inputs, roles, activate=activate, training=training)
        if watch is not None:
            watch(node, value)
        values[node.name] = value
        for name in set(node.inputs):
            if last_use[name] == node.name:
                del values[name]
    return values[source.output]


def values_of(
    source: Source, x: Tensor, names: Collection[str], *, arrays: Mapping[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """The values [N, *shape] of some of the nodes, by name; the network and `arrays` as of `run`."""
    found: dict[str, Tensor] = {}

    def watch(node: SourceNode, value: Tensor) -> None:
        if node.name in names:
            found[node.name] = value

    run(source, x, arrays=arrays, watch=watch)
    return found


def evaluate(
    node: SourceNode,
    inputs: list[Tensor],
    roles: Mapping[str, Tensor],
    *,
    activate: Activate = as_trained,
    training: bool = False,
) -> Tensor:
    """The value of one node."""
    x = inputs[0]
    match node.op:
        case src.Activation():
            return activate(node, x, roles)
        case src.BatchNorm(epsilon=epsilon, momentum=momentum):
            return F.batch_norm(
                x, roles["mean"], roles["variance"], roles.get("weight"), roles.get("bias"), training, momentum, epsilon
            )
        case src.Offset():
            return x + roles["offset"]
        case ops.Scale():
            return x * roles["weight"]
        case ops.Linear():
            return F.linear(x, roles["weight"], roles.get("bias"))
        case ops.Conv():
            return _convolve(node.op, x, roles)
        case ops.Add():
            return sum(inputs[1:], start=x)
        case ops.Concat(dim=dim):
            return torch.cat(inputs, dim)
        case _:
            return _move(node.op, x)


def _convolve(op: ops.Conv, x: Tensor, roles: Mapping[str, Tensor]) -> Tensor:
    # The named functions, not torch.convolution: autocast knows only these
    weight, bias, dimensions = roles["weight"], roles.get("bias"), len(op.stride) - 1
    if op.transposed:
        output_padding = op.output_padding or (0,) * len(op.stride)
        call = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[dimensions]
        return call(x, weight, bias, op.stride, op.padding, output_padding, op.groups, op.dilation)
    call = (F.conv1d, F.conv2d, F.conv3d)[dimensions]
    return call(x, weight, bias, op.stride, op.padding, op.dilation, op.groups)


def _move(op: src.SourceOp, x: Tensor) -> Tensor:
    match op:
        case ops.Identity():
            return x
        case ops.Reshape(shape=shape):
            return x.flatten(1).unflatten(1, shape) if shape else x.flatten()
        case ops.Permute(dims=dims):
            return torch.permute(x, dims)
        case ops.Slice(dim=dim, start=start, stop=stop, step=step):
            return torch.index_select(x, dim, torch.arange(start, stop, step, device=x.device))
        case ops.ZeroPad(pads=pads):
            return F.pad(x, pads, value=0.0)
        case ops.Mean(dims=dims, keepdim=keepdim):
            return torch.mean(x, dims, keepdim)
        case _:
            return _pool(op, x)


def _pool(op: src.SourceOp, x: Tensor) -> Tensor:
    match op:
        case ops.AveragePool(kernel=kernel, stride=stride, padding=padding):
            if len(kernel) == 1:
                return torch.avg_pool1d(x, kernel, stride, padding, op.ceil_mode, op.count_include_pad)
            call = F.avg_pool2d if len(kernel) == 2 else F.avg_pool3d
            return call(x, kernel, stride, padding, op.ceil_mode, op.count_include_pad, op.divisor)
        case ops.AdaptiveAveragePool(size=size):
            return (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[len(size) - 1](x, list(size))  # pyright: ignore[reportArgumentType]
        case ops.MaxPool(kernel=kernel, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode):
            call = (torch.max_pool1d, torch.max_pool2d, torch.max_pool3d)[len(kernel) - 1]
            return call(x, kernel, stride, padding, dilation, ceil_mode)
        case ops.AdaptiveMaxPool(size=size):
            return (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)[len(size) - 1](x, size)
    raise TypeError(f"the interpreter does not know {op}")
