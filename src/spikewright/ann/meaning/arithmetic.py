"""Sums of signals, and products with a constant."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from spikewright.ann.meaning import Meaning
from spikewright.ann.ops.arithmetic import Add, Scale


def _add(op: Add, inputs: Sequence[Tensor], roles: Mapping[str, Tensor], training: bool) -> Tensor:  # noqa: ARG001
    return sum(inputs[1:], start=inputs[0])


def _scale(op: Scale, inputs: Sequence[Tensor], roles: Mapping[str, Tensor], training: bool) -> Tensor:  # noqa: ARG001
    return inputs[0] * roles["weight"]


RULES: dict[type, Meaning] = {Add: _add, Scale: _scale}
