"""Inputs of whole numbers: ids, which a table of constants is looked up by, and nothing else reads."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.capture.aten.call import Emit, Refused, Value
from spikewright.ann.ends import SourceInput
from spikewright.ann.ops.products import Linear

_LEAVING = frozenset({"to", "_to_copy", "detach", "alias", "clone", "contiguous", "lift_fresh_copy"})


class Ids:
    """The inputs of a network, of which some are ids; how many rows their tables have is found on the way.

    Args:
        inputs: all, by name; those that are looked up get their number of ids.
    """

    def __init__(self, inputs: dict[str, SourceInput]) -> None:
        self.inputs = inputs
        self.whole: set[str] = set()
        self._tables: dict[int, tuple[Tensor, Tensor]] = {}

    def note(self, name: str, example: Any) -> None:
        """An input as it was traced."""
        if isinstance(example, Tensor) and not example.is_floating_point():
            self.whole.add(name)

    def holds(self, value: Any) -> bool:
        """Whether it is an input of whole numbers as it came in."""
        return isinstance(value, Value) and value.node in self.whole and value.shape == self.inputs[value.node].shape

    def read(self, target: str, arguments: Mapping[str, Any], emit: Emit, known: dict[int, str]) -> Value:
        """What a call makes of ids: rows of a table, as a matrix product with ones among zeros; or the ids.

        Args:
            target: the operation's name.
            arguments: the call's.
            emit: appends a node.
            known: names of arrays by `id`, to which the table's is added.

        Raises:
            Refused: another operation, or two tables of different length.
        """
        weight = arguments.get("weight")
        ids = next(value for value in arguments.values() if self.holds(value))
        if target in _LEAVING:
            return ids
        if target != "embedding" or not isinstance(weight, Tensor):
            raise Refused(
                f"{target} of the whole numbers of input {ids.node!r}",
                "ids are read by nn.Embedding alone, and masks are no inputs: make a mask a constant (a buffer)",
            )
        taken = self.inputs[ids.node]
        if taken.ids not in (None, len(weight)):
            what = f"input {ids.node!r} is looked up in tables of {taken.ids} and of {len(weight)} rows"
            raise Refused(what, "give the ids twice, as two inputs")
        self.inputs[ids.node] = taken = replace(taken, ids=len(weight))
        return emit(
            Linear(),
            [Value(ids.node, taken.value_shape)],
            (*ids.shape, weight.shape[1]),
            weight=self._columns(weight, known),
        )

    def _columns(self, weight: Tensor, known: dict[int, str]) -> Tensor:
        """A table [ids, features] as a weight [features, ids], once for every table."""
        if id(weight) not in self._tables:
            made = weight.T.to(
                torch.get_default_dtype() if not weight.is_floating_point() else weight.dtype
            ).contiguous()
            known[id(made)] = f"{known.get(id(weight), 'table')}.columns"
            self._tables[id(weight)] = (weight, made)
        return self._tables[id(weight)][1]
