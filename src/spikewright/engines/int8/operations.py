"""Each operation of a lowered program on bytes: how it runs, the form of what it leaves, and in which arithmetic."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch

from spikewright.ann.ops import Averaging, Moving
from spikewright.ann.ops.arithmetic import Add
from spikewright.ann.ops.moves import Concat
from spikewright.ann.ops.products import Conv, Linear
from spikewright.engines.int8.firing import firing
from spikewright.engines.int8.products import FLOAT32_EXACT, byte_product
from spikewright.engines.int8.terms import (
    BYTE,
    Form,
    Term,
    Terms,
    laid_out,
    plus,
    value,
)
from spikewright.engines.int8.windows import Window, even_window, sums
from spikewright.engines.program import Step

BYTES, SINGLE, DOUBLE = "u8·s8", "float32", "float64"

_MOST_TERMS = 2

Delivered = Callable[[list[Terms]], Terms]


class Piece(NamedTuple):
    """One node ready to run."""

    step: Step
    run: Delivered
    form: Form
    arithmetic: str  # of its operation: BYTES, SINGLE or DOUBLE


@dataclass(frozen=True, slots=True)
class _Operation:
    """What a node's operation leaves, before the node's own factor and bias where `whole` is false."""

    run: Delivered
    form: Form
    arithmetic: str


def piece_of(step: Step, given: list[Form]) -> Piece:
    """A node of a lowered program made ready, for inputs of these forms."""
    made = _widened(_operation(step, given), step)
    if step.node.firing is None:
        return Piece(step, made.run, made.form, made.arithmetic)
    run, form = firing(step, made.form)
    return Piece(step, lambda inputs: run(made.run(inputs)), form, made.arithmetic)


def _operation(step: Step, given: list[Form]) -> _Operation:
    node, shape = step.node, _delivered_shape(step, given)
    gained = any(step.gain(index) is not None for index in range(len(given)))
    if isinstance(node.op, Linear | Conv):
        return _product(step, given[0], shape, gained=gained)
    if isinstance(node.op, Averaging):
        window = even_window(node.op, given[0])
        if window is not None:
            return _means(step, given[0], window, shape)
    elif isinstance(node.op, Add):
        if all(form.shape == shape for form in given) and sum(len(form.terms) for form in given) <= _MOST_TERMS:
            return _sum(step, given, shape)
    elif isinstance(node.op, Moving) and not gained and all(form.plain for form in given):
        terms = [form.terms[0] for form in given]
        if not isinstance(node.op, Concat) or len({term.dtype for term in terms}) == 1:
            term = Term(most=max(t.most for t in terms), signed=any(t.signed for t in terms), dtype=terms[0].dtype)
            form = Form(shape=shape, terms=(term,)).scaled(step.after, step.bias)
            return _Operation(lambda inputs: (node.op([held[0] for held in inputs]),), form, SINGLE)
    return _plainly(step, given, shape)


def _widened(made: _Operation, step: Step) -> _Operation:
    """What the operation leaves, spread where a constant of the node's is wider than it."""
    if step.bias is None:
        return made
    shape = tuple(torch.broadcast_shapes(made.form.shape, step.bias.shape))
    if shape == made.form.shape:
        return made

    def run(inputs: list[Terms]) -> Terms:
        return tuple(x.expand(len(x), *shape) for x in made.run(inputs))

    return _Operation(run, replace(made.form, shape=shape), made.arithmetic)


def _plainly(step: Step, given: list[Form], shape: tuple[int, ...]) -> _Operation:
    """Any operation, in floating point that holds its integers."""
    assert step.reach is not None
    dtype = _holding(max(step.reach.total, step.reach.read))
    weight = None if step.weight is None else step.weight.to(dtype)
    gains = [None if (gain := step.gain(index)) is None else gain.to(dtype) for index in range(len(given))]
    after = None if step.after is None else step.after.to(dtype)

    def run(inputs: list[Terms]) -> Terms:
        values = [value(form, held, dtype) for form, held in zip(given, inputs, strict=True)]
        gained = [x if gain is None else x * gain for x, gain in zip(values, gains, strict=True)]
        result = step.node.op(gained, weight)
        return ((result if after is None else result * after).round(),)

    term = Term(most=step.reach.total, signed=True, dtype=dtype)
    return _Operation(run, Form(shape=shape, terms=(term,), offset=plus(None, step.bias)), _named(dtype))


def _product(step: Step, given: Form, shape: tuple[int, ...], *, gained: bool) -> _Operation:
    """A matrix product or convolution; its factor and bias stay beside its sums."""
    node, reach = step.node, step.reach
    assert reach is not None
    assert step.weight is not None
    if given.plain and given.terms[0].dtype == torch.uint8 and not gained:
        product = byte_product(node, step.weight, given.shape, read=reach.read, total=reach.sum)
        if product is not None:
            form = _sums(shape, reach.sum).scaled(step.after, step.bias)
            return _Operation(lambda inputs: (product(laid_out(inputs[0][0])),), form, BYTES)
    dtype, gain = _holding(max(reach.sum, reach.read)), step.gain(0)
    gain = None if gain is None else gain.to(dtype)
    weight = laid_out(step.weight.to(dtype))
    split = None if gained else _split(reach.read, reach.sum)

    def run(inputs: list[Terms]) -> Terms:
        x = value(given, inputs[0], dtype)
        return (node.op([x if gain is None else x * gain], weight),)

    if dtype == torch.float32 or split is None:
        return _Operation(run, _sums(shape, reach.sum, dtype).scaled(step.after, step.bias), _named(dtype))
    single = weight.float()

    def run_in_parts(inputs: list[Terms]) -> Terms:
        x = value(given, inputs[0], torch.float32)
        high = (x / split).floor()
        return node.op([high], single), node.op([x - split * high], single)

    low = Term(most=float(FLOAT32_EXACT), signed=True, dtype=torch.float32)
    high = replace(low, factor=torch.tensor(float(split)).double())
    form = Form(shape=shape, terms=(high, low)).scaled(step.after, step.bias)
    return _Operation(run_in_parts, form, SINGLE)


def _split(read: float, total: float) -> int | None:
    """The power of two by which inputs are split, x = split·high + low, so that both products fit float32."""
    reach = total / max(read, 1.0)
    split = 2 ** (int(read).bit_length() // 2)
    largest = max(float(split), read / split + 1)
    return split if reach * largest < FLOAT32_EXACT and read < FLOAT32_EXACT else None


def _sum(step: Step, given: list[Form], shape: tuple[int, ...]) -> _Operation:
    """A residual sum: its terms side by side, each with its ratio."""
    weighed = [form.scaled(step.gain(index), None) for index, form in enumerate(given)]
    terms = tuple(term for form in weighed for term in form.terms)
    offset = None
    for form in weighed:
        offset = plus(offset, form.offset)
    form = Form(shape=shape, terms=terms, offset=offset).scaled(step.after, step.bias)
    return _Operation(lambda inputs: tuple(x for held in inputs for x in held), form, SINGLE)


def _means(step: Step, given: Form, window: Window, shape: tuple[int, ...]) -> _Operation:
    """Means as sums over windows; what is left of the factor and the divisor is a whole number."""
    most = given.terms[0].most * window.kernel[0] * window.kernel[1]
    dtype = torch.uint8 if most <= BYTE else torch.float32
    assert step.after is not None
    form = Form(shape=shape, terms=(Term(most=most, dtype=dtype),))
    form = form.scaled(step.after.double() / window.divisor, step.bias)
    return _Operation(lambda inputs: (sums(laid_out(inputs[0][0]), window, shape, dtype),), form, SINGLE)


def _delivered_shape(step: Step, given: list[Form]) -> tuple[int, ...]:
    """What the operation delivers; pools before firing may make it smaller afterwards."""
    inputs = [torch.empty(1, *form.shape, device="meta") for form in given]
    weight = None if step.weight is None else torch.empty(step.weight.shape, device="meta")
    return tuple(step.node.op(inputs, weight).shape[1:])


def graded(shape: tuple[int, ...], most: float) -> Form:
    """The form of integers of either sign up to a magnitude, in float32."""
    return Form(shape=shape, terms=(Term(most=most, signed=True, dtype=torch.float32),))


def _sums(shape: tuple[int, ...], most: float, dtype: torch.dtype = torch.float32) -> Form:
    return Form(shape=shape, terms=(Term(most=most, signed=True, dtype=dtype),))


def _holding(most: float) -> torch.dtype:
    """The floating point that holds integers of this magnitude."""
    return torch.float32 if most < FLOAT32_EXACT else torch.float64


def _named(dtype: torch.dtype) -> str:
    return SINGLE if dtype == torch.float32 else DOUBLE
