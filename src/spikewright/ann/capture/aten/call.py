"""One captured call as a translation sees it: its arguments resolved to values, constants or numbers; its refusal."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from spikewright.ann.ops import Operation

MIXES = "a sample's result must not depend on the others of its batch, nor on how many they are"


class Refused(Exception):
    """An operation that cannot become spikes; carries what it is, the nearest way out, and why it cannot.

    A way out keeps the function, or says that the network has to be fine-tuned.
    """

    def __init__(self, what: str, way_out: str, why: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.way_out = way_out
        self.why = why


class Value(NamedTuple):
    """A value that depends on the network's input: the node that makes it and one sample's shape."""

    node: str
    shape: tuple[int, ...]


class Emit(Protocol):
    """Append a node and return its value."""

    def __call__(self, op: Operation, inputs: Sequence[Value], shape: Sequence[int], **arrays: Tensor | None) -> Value:
        """Arrays given as None are left out."""
        ...


class Call(NamedTuple):
    """One captured call: arguments by name, the shape of one sample of the result, where to emit, what made a value."""

    target: str
    arguments: dict[str, Any]
    shape: tuple[int, ...]
    emit: Emit
    origin: Callable[[Value], "Origin | None"]

    def __getitem__(self, name: str) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.arguments[name]

    def get(self, name: str, default: Any = None) -> Any:
        """An argument, or the default where the call does not have it."""
        value = self.arguments.get(name)
        return default if value is None else value


class Origin(NamedTuple):
    """What makes a value: the operation, what it reads, and its arrays by role."""

    op: Operation
    inputs: tuple[Value, ...]
    arrays: dict[str, Tensor]


Translate = Callable[[Call], Any]
"""Emits what a call means, and returns the value, or the tuple of values, that it makes."""


def tuple_of(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    """One number for each of `count` axes, where one may stand for all."""
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * count if len(values) == 1 else values


def feature_axis(dim: int, rank: int) -> int:
    """The axis as a positive number; the batch axis cannot be touched."""
    positive = dim % rank
    if positive == 0:
        raise Refused("an operation along the batch axis", "keep the first axis for the batch", MIXES)
    return positive


def feature_constant(value: Any, shape: tuple[int, ...]) -> Tensor:
    """A constant operand as a tensor that broadcasts against one sample's features."""
    tensor = torch.as_tensor(value, dtype=torch.get_default_dtype()) if not isinstance(value, Tensor) else value
    if tensor.dim() > len(shape):
        if tensor.shape[0] != 1:
            raise Refused("a constant that differs along the batch", "keep constants the same for every sample", MIXES)
        tensor = tensor.squeeze(0)
    return tensor
