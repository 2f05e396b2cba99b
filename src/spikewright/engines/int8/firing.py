"""The firing of a stage of a lowered program, from integer sums to bytes."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from spikewright.ann.shapes import blank
from spikewright.engines.currents import before_firing
from spikewright.engines.int8.loops import fire
from spikewright.engines.int8.terms import (
    BYTE,
    Form,
    Term,
    Terms,
    alike,
    constant_rows,
    empty,
    laid_out,
    plus,
    rows,
    times,
    value,
)
from spikewright.engines.int8.windows import POOLS, largest
from spikewright.engines.program import StageInstruction
from spikewright.snn.schedules.two_phase import collapse as close

_FLOAT64_FIRING = 2.0**52


def firing(instruction: StageInstruction, form: Form) -> tuple[Callable[[Terms], Terms], Form]:
    """How a stage's codes follow from what its operation delivered, and the form of these codes."""
    node, reach = instruction.stage, instruction.reach
    assert reach is not None
    levels = node.firing.code.levels
    dtype = torch.uint8 if levels <= BYTE else torch.float32
    made = Form(shape=node.shape, terms=(Term(most=levels, dtype=dtype),))
    unit = torch.ones((), dtype=torch.float64) if instruction.threshold is None else instruction.threshold.double()
    factors = [constant_rows(times(t.factor, 1 / unit), form.shape, 1.0) for t in form.terms]
    offset = plus(plus(form.offset, instruction.initial), torch.tensor(0.5)) / unit  # pyright: ignore[reportOptionalOperand]
    *factors, offset = alike([*factors, constant_rows(offset, form.shape, 0.0)])
    pools = [op for op in node.firing.before_firing if type(op) in POOLS]
    movable = len(pools) == len(node.firing.before_firing) and (not pools or _by_channel([*factors, offset], form))
    if not movable or reach.total * (len(form.terms) + 3) >= _FLOAT64_FIRING:
        return _fire_plainly(instruction, form, dtype), made
    shaped, shape = [], form.shape
    for pool in pools:
        shape = tuple(pool([blank(shape)]).shape[1:])
        shaped.append((pool, shape))
    gains, start = [factor.numpy() for factor in factors], offset.numpy()

    def run(terms: Terms) -> Terms:
        laid = [laid_out(x) for x in terms]
        codes = empty(len(laid[0]), form.shape, dtype)
        fire(rows(codes).numpy(), [rows(x).numpy() for x in laid], gains, start, levels)
        for pool, shape in shaped:
            codes = largest(codes, pool, shape)
        return (codes,)

    return run, made


def _by_channel(constants: list[Tensor], form: Form) -> bool:
    """Whether all neurons of a channel fire alike."""
    return len(form.shape) == 3 and all(len(constant) == 1 for constant in constants)


def _fire_plainly(instruction: StageInstruction, form: Form, dtype: torch.dtype) -> Callable[[Terms], Terms]:
    """The integer mode's own arithmetic, for potentials that are pooled first, or very large."""
    wide = copy.deepcopy(instruction).double()

    def run(terms: Terms) -> Terms:
        potential = before_firing(wide, value(form, terms, torch.float64))
        if wide.initial is not None:
            potential = potential + wide.initial
        return (close(potential.clone(), wide.threshold, wide.firing.code).to(dtype),)

    return run
