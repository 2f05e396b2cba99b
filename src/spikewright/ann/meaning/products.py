"""Matrix products and convolutions."""

from collections.abc import Mapping, Sequence

from torch import Tensor
from torch.nn import functional as F

from spikewright.ann.meaning import Meaning
from spikewright.ann.ops.products import Conv, Linear


def _linear(op: Linear, inputs: Sequence[Tensor], roles: Mapping[str, Tensor], training: bool) -> Tensor:  # noqa: ARG001
    return F.linear(inputs[0], roles["weight"], roles.get("bias"))


def _conv(op: Conv, inputs: Sequence[Tensor], roles: Mapping[str, Tensor], training: bool) -> Tensor:  # noqa: ARG001
    # The named functions, not torch.convolution: autocast knows only these
    weight, bias, dimensions = roles["weight"], roles.get("bias"), len(op.stride) - 1
    if op.transposed:
        output_padding = op.output_padding or (0,) * len(op.stride)
        call = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[dimensions]
        return call(inputs[0], weight, bias, op.stride, op.padding, output_padding, op.groups, op.dilation)
    call = (F.conv1d, F.conv2d, F.conv3d)[dimensions]
    return call(inputs[0], weight, bias, op.stride, op.padding, op.dilation, op.groups)


RULES: dict[type, Meaning] = {Linear: _linear, Conv: _conv}
