"""What is particular about a network, in words: its operations, how they are joined, the shapes of its constants."""

from collections.abc import Iterator

from torch import Tensor

from spikewright.ann.ops.activations import Activation, BatchNorm, Offset
from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.ann.ops.curves import Curve
from spikewright.ann.ops.moves import Concat
from spikewright.ann.ops.pools import AveragePool, MaxPool
from spikewright.ann.ops.products import Conv, Linear
from spikewright.ann.source import INPUT, Source, SourceNode
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Stage


def features(source: Source, blueprint: Blueprint) -> set[str]:
    """Those of a captured network and of the spiking network that it becomes."""
    return {*_whole(source), *_joins(source), *(one for node in source.nodes for one in _node(source, node))} | {
        *_stages(blueprint)
    }


def _whole(source: Source) -> Iterator[str]:
    arrays = [array for node in source.nodes for _, array in node.arrays]
    if len(arrays) > len(set(arrays)):
        yield "shared weights"
    if not source.activations:
        yield "no activation"
    if not source.output_shape:
        yield "one number as output"
    if source.nodes[-1] in source.activations:
        yield "activation as output"
    yield from ("activation of the input" for node in source.activations if node.inputs == (INPUT,))


def _joins(source: Source) -> Iterator[str]:
    """Where a value meets what was made of it."""
    behind: dict[str, set[str]] = {INPUT: set()}
    for node in source.nodes:
        behind[node.name] = {each for name in node.inputs for each in (name, *behind[name])}
        again = any(one in behind[other] for one in node.inputs for other in node.inputs)
        if again and isinstance(node.op, Add):
            yield "residual sum"
        elif again and isinstance(node.op, Concat):
            yield "dense concatenation"
        if len(set(node.inputs)) < len(node.inputs):
            yield "one value joined twice"


def _node(source: Source, node: SourceNode) -> Iterator[str]:
    yield f"{node.op.kind} in a source"
    match node.op:
        case Conv():
            yield from _convolution(node.op, node.shape[0])
        case MaxPool() | AveragePool():
            yield from _windows(node.op)
        case Linear():
            yield "linear over " + ("the last of several axes" if len(node.shape) > 1 else "one axis")
        case Activation():
            if node.op.cap is not None:
                yield "capped activation"
            if node.op.levels is not None:
                yield f"trained levels, thresholds {_spread(source.array(node, 'threshold'), node.shape)}"
        case Curve():
            slope = source.array(node, "slope")
            signs = "signed" if node.op.signed else "unsigned"
            yield f"a curve of {signs} codes that " + ("rises" if node.op.rises else "falls first")
            if slope is not None:
                yield f"slope {_spread(slope, node.shape)}"
        case BatchNorm():
            yield from _batch_norm(source, node)
        case Offset():
            yield f"offset {_spread(source.array(node, 'offset'), node.shape)}"
        case Scale():
            yield f"scale {_spread(source.array(node, 'weight'), node.shape)}"
        case _:
            pass


def _convolution(op: Conv, channels: int) -> Iterator[str]:
    yield f"convolution over {len(op.stride)} axes"
    if op.transposed:
        yield "transposed convolution"
    if op.groups > 1:
        yield "depthwise convolution" if op.groups == channels else "grouped convolution"
    if max(op.dilation) > 1:
        yield "dilated convolution"
    if max(op.stride) > 1:
        yield "strided convolution"


def _windows(op: MaxPool | AveragePool) -> Iterator[str]:
    if any(op.padding):
        yield f"padded {op.kind}"
    if op.ceil_mode:
        yield f"{op.kind} with windows beyond the edge"
    if op.stride != op.kernel:
        yield f"{op.kind} of windows that overlap"
    if isinstance(op, AveragePool) and not op.count_include_pad:
        yield "average pool that leaves its padding out"
    if isinstance(op, AveragePool) and op.divisor is not None:
        yield "average pool with a divisor of its own"
    if isinstance(op, MaxPool) and max(op.dilation) > 1:
        yield "dilated max pool"


def _batch_norm(source: Source, node: SourceNode) -> Iterator[str]:
    before = {each.name: each.op.kind for each in source.nodes}.get(node.inputs[0], INPUT)
    if before in ("max_pool", INPUT):
        yield f"batch norm of {before}"
    if any(any(getattr(reader.op, "padding", ())) for reader in source.consumers[node.name]):
        yield "batch norm before padding"


def _stages(blueprint: Blueprint) -> Iterator[str]:
    for node in blueprint.plan.nodes:
        yield f"{node.op.kind} in a plan"
        bias = blueprint.array(node, "bias")
        if bias is not None:
            yield f"bias {_spread(bias, node.shape)}"
        if isinstance(node, Stage):
            yield from (f"{op.kind} before firing" for op in node.firing.before_firing)
            yield f"fires by {node.firing.law.kind}"
            if node.firing.channels is not None:
                yield "a stage that carries a part of the channels"
            if node.firing.beyond:
                signs = any(op.scales for op in node.firing.before_firing[-node.firing.beyond :])
                yield f"a stage beyond a value of the source, {'by signs' if signs else 'by a max pool'}"


def _spread(constant: Tensor | None, shape: tuple[int, ...]) -> str:
    assert constant is not None
    if constant.numel() == 1:
        return "one number"
    sizes = (1,) * (len(shape) - constant.dim()) + tuple(constant.shape)
    return "one a channel" if all(size == 1 for size in sizes[1:]) else "uneven over places"
