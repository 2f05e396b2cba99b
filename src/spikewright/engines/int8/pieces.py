"""One node of a lowered program made ready to run on bytes: its operation, and its firing."""

from dataclasses import replace
from typing import NamedTuple

import torch

from spikewright.ann.ops.rules import gathered
from spikewright.ann.shapes import shape_made, stand_in
from spikewright.engines.int8.firing import firing
from spikewright.engines.int8.operations import Delivered, Given, OnBytes, holding, named
from spikewright.engines.int8.terms import Form, Term, Terms, plus, value
from spikewright.engines.program import Instruction, StageInstruction

OPERATIONS = gathered("the int8 engine", "spikewright.engines.int8.operations", of_plans=True)


class Piece(NamedTuple):
    """One node ready to run."""

    instruction: Instruction
    run: Delivered
    form: Form
    arithmetic: str  # of its operation: BYTES, SINGLE or DOUBLE


def piece_of(instruction: Instruction, given: list[Form]) -> Piece:
    """A node of a lowered program made ready, for inputs of these forms."""
    made = _widened(_operation(instruction, given), instruction)
    if not isinstance(instruction, StageInstruction):
        return Piece(instruction, made.run, made.form, made.arithmetic)
    run, form = firing(instruction, made.form)
    return Piece(instruction, lambda inputs: run(made.run(inputs)), form, made.arithmetic)


def _operation(instruction: Instruction, forms: list[Form]) -> OnBytes:
    given = Given(instruction, forms, _delivered_shape(instruction, forms))
    return OPERATIONS[instruction.node.op](given) or _plainly(given)


def _widened(made: OnBytes, instruction: Instruction) -> OnBytes:
    """What the operation leaves, spread where a constant of the node's is wider than it."""
    if instruction.bias is None:
        return made
    shape = tuple(torch.broadcast_shapes(made.form.shape, instruction.bias.shape))
    if shape == made.form.shape:
        return made

    def run(inputs: list[Terms]) -> Terms:
        return tuple(x.expand(len(x), *shape) for x in made.run(inputs))

    return OnBytes(run, replace(made.form, shape=shape), made.arithmetic)


def _plainly(known: Given) -> OnBytes:
    """Any operation, in floating point that holds its integers."""
    instruction, given, shape = known.instruction, known.forms, known.shape
    assert instruction.reach is not None
    dtype = holding(max(instruction.reach.total, instruction.reach.read))
    weight = None if instruction.weight is None else instruction.weight.to(dtype)
    gains = [None if (gain := instruction.gain(index)) is None else gain.to(dtype) for index in range(len(given))]
    after = None if instruction.after is None else instruction.after.to(dtype)

    def run(inputs: list[Terms]) -> Terms:
        values = [value(form, terms, dtype) for form, terms in zip(given, inputs, strict=True)]
        gained = [x if gain is None else x * gain for x, gain in zip(values, gains, strict=True)]
        result = instruction.node.op(gained, weight)
        return ((result if after is None else result * after).round(),)

    term = Term(most=instruction.reach.total, signed=True, dtype=dtype)
    return OnBytes(run, Form(shape=shape, terms=(term,), offset=plus(None, instruction.bias)), named(dtype))


def _delivered_shape(instruction: Instruction, given: list[Form]) -> tuple[int, ...]:
    """What the operation delivers; pools before firing may make it smaller afterwards."""
    weight = None if instruction.weight is None else stand_in(instruction.weight)
    return shape_made(
        instruction.node.op, [form.shape for form in given], lambda inputs: instruction.node.op(inputs, weight)
    )
