"""What a node's operation delivers, with time folded into the batch; shared by the engines.

Knows nothing about firing.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.program import Step


def deliver(step: Step, inputs: Sequence[Tensor], *, bias: Tensor | None = None) -> Tensor:
    """[T_i, N, *] each → [T, N, *]; a shorter train simply delivers nothing in the later steps.

    `bias` is a constant [C_out] for a convolution or matrix product to add in the same pass.
    """
    steps = max(len(train) for train in inputs)
    folded = []
    for index, train in enumerate(inputs):
        missing = (0, 0) * (train.dim() - 1) + (0, steps - len(train))
        batch = (F.pad(train, missing) if len(train) < steps else train).flatten(0, 1)
        gain = step.gain(index)
        folded.append(batch if gain is None else batch * gain)
    result = step.node.op(folded, step.weight) if bias is None else step.node.op(folded, step.weight, bias)  # pyright: ignore[reportCallIssue]
    if step.after is not None:
        result = result * step.after
    if step.integral:
        result = result.round()
    return result.unflatten(0, (steps, inputs[0].shape[1]))


def before_firing(step: Step, potential: Tensor) -> Tensor:
    """Apply the max pools, and the batch norms that follow them, to an accumulated potential [N, *]."""
    firing = step.node.firing
    assert firing is not None
    for index, op in enumerate(firing.before_firing):
        gain, bias = step.before(index)
        if gain is None:
            potential = op([potential])
        else:
            potential = torch.addcmul(bias, potential, gain) if bias is not None else potential * gain
    return potential


def scaled(value: Tensor, worth: Tensor | None) -> Tensor:
    """The read-out in the value scale."""
    return value if worth is None else value * worth
