"""Batch norm, constants that are added, and the activation as the source was trained with it."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.ann.meaning import Meaning
from spikewright.ann.ops.activations import Activation, BatchNorm, Offset
from spikewright.ann.rounding import rounded


def _batch_norm(op: BatchNorm, inputs: Sequence[Tensor], roles: Mapping[str, Tensor], training: bool) -> Tensor:
    mean, variance, weight, bias = roles["mean"], roles["variance"], roles.get("weight"), roles.get("bias")
    return F.batch_norm(inputs[0], mean, variance, weight, bias, training, op.momentum, op.epsilon)


def _offset(op: Offset, inputs: Sequence[Tensor], roles: Mapping[str, Tensor], training: bool) -> Tensor:  # noqa: ARG001
    return inputs[0] + roles["offset"]


def _activation(op: Activation, inputs: Sequence[Tensor], roles: Mapping[str, Tensor], training: bool) -> Tensor:  # noqa: ARG001
    """Clipped rounding where it has levels, else a (capped) ReLU.

    With a slip: slip · clip(z, 0, θ) + (1 − slip) · rounded, for Jiang et al., "A Unified Optimization Framework of
    ANN-SNN Conversion", 2023 (SlipReLU). Differs: the rounding is ours, by half a level, and θ is trained.
    """
    z = inputs[0]
    if op.levels is not None:
        staircase = rounded(z, roles["threshold"], op.levels)
        if not op.slip:
            return staircase
        return op.slip * torch.minimum(F.relu(z), roles["threshold"]) + (1 - op.slip) * staircase
    return F.relu(z) if op.cap is None else z.clamp(0, op.cap)


RULES: dict[type, Meaning] = {BatchNorm: _batch_norm, Offset: _offset, Activation: _activation}
