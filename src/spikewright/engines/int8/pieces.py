"""One node of a lowered program made ready to run on bytes: its operation, and its firing."""

from dataclasses import replace
from typing import NamedTuple

import torch

from spikewright.ann.ops.rules import gathered
from spikewright.ann.shapes import shape_made, stand_in
from spikewright.engines.int8.firing import firing
from spikewright.engines.int8.operations import Delivered, Given, OnBytes, holding, named
from spikewright.engines.int8.terms import Form, Term, Terms, plus, value
from spikewright.engines.program import StageStep, Step

OPERATIONS = gathered("the int8 engine", "spikewright.engines.int8.operations", of_plans=True)


class Piece(NamedTuple):
    """One node ready to run."""

    step: Step
    run: Delivered
    form: Form
    arithmetic: str  # of its operation: BYTES, SINGLE or DOUBLE


def piece_of(step: Step, given: list[Form]) -> Piece:
    """A node of a lowered program made ready, for inputs of these forms."""
    made = _widened(_operation(step, given), step)
    if not isinstance(step, StageStep):
        return Piece(step, made.run, made.form, made.arithmetic)
    run, form = firing(step, made.form)
    return Piece(step, lambda inputs: run(made.run(inputs)), form, made.arithmetic)


def _operation(step: Step, forms: list[Form]) -> OnBytes:
    given = Given(step, forms, _delivered_shape(step, forms))
    return OPERATIONS[step.node.op](given) or _plainly(given)


def _widened(made: OnBytes, step: Step) -> OnBytes:
    """What the operation leaves, spread where a constant of the node's is wider than it."""
    if step.bias is None:
        return made
    shape = tuple(torch.broadcast_shapes(made.form.shape, step.bias.shape))
    if shape == made.form.shape:
        return made

    def run(inputs: list[Terms]) -> Terms:
        return tuple(x.expand(len(x), *shape) for x in made.run(inputs))

    return OnBytes(run, replace(made.form, shape=shape), made.arithmetic)


def _plainly(known: Given) -> OnBytes:
    """Any operation, in floating point that holds its integers."""
    step, given, shape = known.step, known.forms, known.shape
    assert step.reach is not None
    dtype = holding(max(step.reach.total, step.reach.read))
    weight = None if step.weight is None else step.weight.to(dtype)
    gains = [None if (gain := step.gain(index)) is None else gain.to(dtype) for index in range(len(given))]
    after = None if step.after is None else step.after.to(dtype)

    def run(inputs: list[Terms]) -> Terms:
        values = [value(form, held, dtype) for form, held in zip(given, inputs, strict=True)]
        gained = [x if gain is None else x * gain for x, gain in zip(values, gains, strict=True)]
        result = step.node.op(gained, weight)
        return ((result if after is None else result * after).round(),)

    term = Term(most=step.reach.total, signed=True, dtype=dtype)
    return OnBytes(run, Form(shape=shape, terms=(term,), offset=plus(None, step.bias)), named(dtype))


def _delivered_shape(step: Step, given: list[Form]) -> tuple[int, ...]:
    """What the operation delivers; pools before firing may make it smaller afterwards."""
    weight = None if step.weight is None else stand_in(step.weight)
    return shape_made(step.node.op, [form.shape for form in given], lambda inputs: step.node.op(inputs, weight))
