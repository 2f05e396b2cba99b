"""The ends of a run: what inputs become at the first step, and what is handed back; one tensor, or several by name."""

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.ends import Batch, Named, arranged, gathered_inputs, in_type, real, tensors_of, values_at_start
from spikewright.engines.program import Program
from spikewright.errors import BadData, BadPlan
from spikewright.snn.plan import Plan


def started(program: Program, x: Batch, *, trains: Collection[str] | bool = True) -> dict[str, Tensor]:
    """Every input as nodes read it, encoded, [steps, N, *].

    Args:
        program: whose inputs they are.
        x: a batch.
        trains: which are wanted step by step; the others come as their total over the window in one step, [1, N, *],
            and a repeated one is not divided to be summed.
    """
    encoder = program.plan.encoder
    values = values_at_start(program.plan.inputs, x, dtype_of(program))
    return {
        name: encoder(value) if (trains if isinstance(trains, bool) else name in trains) else encoder.total(value)
        for name, value in values.items()
    }


def dtype_of(program: Program) -> torch.dtype:
    """What a program runs in: float32 where it holds no numbers."""
    return next((buffer.dtype for buffer in program.buffers()), torch.float32)


def given_back(plan: Plan, values: Mapping[str, Tensor]) -> Batch:
    """The outputs, of read-outs' values by node: a tensor where there is one, else all by name."""
    if len(plan.readouts) == 1:
        return values[plan.readouts[0].node]
    return Named({each.name: values[each.node] for each in plan.readouts})


def returned(plan: Plan, values: Mapping[str, Tensor]) -> Any:
    """As `given_back`, several in the structure that the source's model gave them in."""
    return arranged(given_back(plan, values))


def checked(plan: Plan, own: torch.dtype | None, args: tuple[Any, ...], named: Mapping[str, Any]) -> Batch:
    """What a network was called with, in its own type; it may be widened, never narrowed.

    Args:
        plan: the network's.
        own: its type; None where it has none.
        args: by position; one alone may be a tuple or a dict of them all.
        named: by keyword.

    Raises:
        BadData: others than it takes.
    """
    names = [each.name for each in plan.inputs]
    given: Any = args[0] if len(args) == 1 and not named else {**dict(zip(names, args, strict=False)), **named}
    if len(args) > len(names):
        given = args
    batch = real(plan.inputs, gathered_inputs(names, given, "inputs"))
    for each, x in zip(plan.inputs, tensors_of(batch), strict=True):
        which = "inputs" if len(names) == 1 else f"input {each.name!r}"
        if not x.dim() or tuple(x.shape[1:]) != each.sample_shape:
            raise BadData(
                f"the network takes {which} of shape {each.sample_shape}, got {tuple(x.shape[1:])}: "
                "resize them or convert the model for that shape"
            )
        if each.ids is None and own is not None and torch.promote_types(x.dtype, own) != own:
            raise BadData(
                f"the network runs in {own}, the input is {x.dtype}: give {own}, or build it with dtype={x.dtype}"
            )
    return batch if own is None else in_type(batch, own)


def require_one_input(plan: Plan, engine: str) -> None:
    """Refuse several inputs, and ids.

    Raises:
        BadPlan: there are some; the line names the engine.
    """
    if len(plan.inputs) != 1 or plan.input.ids is not None:
        what = "ids" if len(plan.inputs) == 1 else f"{len(plan.inputs)} inputs"
        raise BadPlan(
            f"the {engine} engine takes one input of real numbers, the network takes {what}: run it by float64"
        )
