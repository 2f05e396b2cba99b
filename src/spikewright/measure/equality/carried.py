"""What the codes of a stage stand for, of the values of the source: a node's, some of its channels, or what it becomes.

Where a stage fires `beyond` a value of the source, that goes through the last operations before firing, as the source's
own operations are evaluated. The reference takes these, and signs, from the plan: what they belong to is in the source,
and a wrong one makes the values after it wrong.
"""

from collections.abc import Mapping

from torch import Tensor

from spikewright.ann.interpreter import MEANING
from spikewright.ann.shapes import blank
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Stage


def carried(blueprint: Blueprint, stage: Stage, values: Mapping[str, Tensor]) -> Tensor:
    """The value [N, *features] of a stage, of those of the source's nodes by name, [N, *] each."""
    value, channels = values[stage.firing.carries], stage.firing.channels
    return beyond(blueprint, stage, value if channels is None else value[:, slice(*channels)])


def beyond(blueprint: Blueprint, stage: Stage, value: Tensor) -> Tensor:
    """What the operations beyond the carried value make of one, [N, *] → [N, *features]."""
    operations = stage.firing.before_firing
    start = len(operations) - stage.firing.beyond
    for index, op in enumerate(operations[start:], start):
        sign = blueprint.array(stage, f"before{index}.weight")
        roles = {} if sign is None else {"weight": sign.to(value)}
        value = MEANING[op](op, [value], roles, False)
    return value


def carried_shape(blueprint: Blueprint, stage: Stage, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a stage's value, of that of the node which it carries.

    Raises:
        RuntimeError: operations beyond it do not fit it.
    """
    values = {stage.firing.carries: blank(shape)}
    return tuple(carried(blueprint, stage, values).shape[1:])
