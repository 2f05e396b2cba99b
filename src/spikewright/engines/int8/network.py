"""The int8 engine: a lowered network on bytes, the collapsed engine's codes at a fraction of its time.

    products    u8 codes · s8 weights, summed in 32 bits (`dot.py`), where a stage's proven reach allows that;
                else float32 integers below 2^24, else float64 integers below 2^53
    firing      code = clip(⌊(Σ_i A_i·x_i + B + v0 + ½) / U⌋, 0, Σw) in one pass over the sums, in float64
Everything that is added is an integer and U is one, so the ½ keeps the quotient 1/(2U) away from every boundary, and
what float64 rounds, (n + 3)·2^-53 of the terms' magnitude for n terms, cannot carry it across while that magnitude
stays below 2^52 / (n + 3). A stage that could pass this divides as the collapsed engine does. So the codes are those
of the integer mode, on every machine; which arithmetic each node got is in `Int8Network.arithmetic`.
Max pools before firing move behind it, onto bytes, where every neuron of a channel fires alike: firing is monotone.

Source: closed forms of "When SNN meets ANN"; reduced integers as in `lowering.py`. Ours: the byte products, the ½.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from spikewright.ann.ops import Add, Averaging, Concat, Conv, Linear, MaxPool, Moving
from spikewright.ann.source import INPUT
from spikewright.engines.currents import before_firing, scaled
from spikewright.engines.int8.loops import fire
from spikewright.engines.int8.products import FLOAT32_EXACT, byte_product
from spikewright.engines.int8.terms import (
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
from spikewright.engines.int8.windows import Window, even_window, largest, sums
from spikewright.engines.program import Program, Step
from spikewright.engines.record import Record
from spikewright.errors import BadData, NotExact
from spikewright.snn.plan import Plan
from spikewright.snn.schedules.two_phase import collapse as close

BYTES, SINGLE, DOUBLE = "u8·s8", "float32", "float64"
_BYTE = 255
_FLOAT64_FIRING = 2.0**52
_MOST_TERMS = 2

Delivered = Callable[[list[Terms]], Terms]


class _Piece(NamedTuple):
    """One node ready to run."""

    step: Step
    run: Delivered
    form: Form
    arithmetic: str  # of its operation: BYTES, SINGLE or DOUBLE


class Int8Network(nn.Module):
    """A lowered program on bytes; no state, nothing to train, the CPU only.

    Args:
        program: made by `lowering.IntegerMode`.

    Raises:
        NotExact: the program is not one of integers; it names the node.
    """

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program
        self._dtype = next((buffer.dtype for buffer in program.buffers()), torch.float32)
        encoder = program.plan.encoder
        most = float(getattr(encoder, "limit", FLOAT32_EXACT))
        forms = {INPUT: _graded(program.plan.input_shape, most)}
        self._pieces: list[_Piece] = []
        for step in program.steps:
            assert isinstance(step, Step)
            if not step.integral or step.reach is None:
                raise NotExact(f"node {step.node.name!r} does not hold integers: lower the network first (IntegerMode)")
            piece = _piece(step, [forms[name] for name in step.node.inputs])
            self._pieces.append(piece)
            forms[step.node.name] = piece.form

    @property
    def plan(self) -> Plan:
        """The structure."""
        return self.program.plan

    @property
    def arithmetic(self) -> Mapping[str, str]:
        """What the products of each node with weights are done in: "u8·s8", "float32" or "float64"."""
        return {p.step.node.name: p.arithmetic for p in self._pieces if isinstance(p.step.node.op, Linear | Conv)}

    def forward(self, x: Tensor) -> Tensor:
        """[N, *input_shape] → the read-out [N, *output_shape] in the value scale, as the integer mode gives it.

        Raises:
            BadData: inputs of another shape.
        """
        result = x
        for piece, held in self._run(x):
            if piece.step.node is self.plan.readout:
                result = self._read(piece, held)
        return result

    def collapse(self, x: Tensor) -> Iterator[Record]:
        """[N, *input_shape] → one record a stage, its codes in float32, then the read-out's.

        Raises:
            BadData: inputs of another shape.
        """
        for piece, held in self._run(x):
            node = piece.step.node
            if node.firing is not None:
                yield Record(node, held[0].float())
            elif node is self.plan.readout:
                yield Record(node, self._read(piece, held))

    def _run(self, x: Tensor) -> Iterator[tuple[_Piece, Terms]]:
        if tuple(x.shape[1:]) != self.plan.input_shape:
            raise BadData(
                f"the network takes inputs of shape {self.plan.input_shape}, got {tuple(x.shape[1:])}: "
                "resize them or convert the model for that shape"
            )
        # On the grid as the integer mode puts it there, in its own type
        grid = self.plan.encoder(x.to(torch.promote_types(x.dtype, self._dtype)))[0]
        values: dict[str, Terms] = {INPUT: (laid_out(grid.float()),)}
        for piece in self._pieces:
            node = piece.step.node
            values[node.name] = held = piece.run([values[name] for name in node.inputs])
            yield piece, held
            for name in set(node.inputs):
                if self.program.last_use[name] == node.name:
                    del values[name]

    def _read(self, piece: _Piece, held: Terms) -> Tensor:
        return scaled(value(piece.form, held, self._dtype), self.program.worth)


# Pieces --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Operation:
    """What a node's operation leaves, before the node's own factor and bias where `whole` is false."""

    run: Delivered
    form: Form
    arithmetic: str


def _piece(step: Step, given: list[Form]) -> _Piece:
    made = _widened(_operation(step, given), step)
    if step.node.firing is None:
        return _Piece(step, made.run, made.form, made.arithmetic)
    run, form = _firing(step, made.form)
    return _Piece(step, lambda inputs: run(made.run(inputs)), form, made.arithmetic)


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
    dtype = torch.uint8 if most <= _BYTE else torch.float32
    assert step.after is not None
    form = Form(shape=shape, terms=(Term(most=most, dtype=dtype),))
    form = form.scaled(step.after.double() / window.divisor, step.bias)
    return _Operation(lambda inputs: (sums(laid_out(inputs[0][0]), window, shape, dtype),), form, SINGLE)


# Firing --------------------------------------------------------------------------------------------------


def _firing(step: Step, form: Form) -> tuple[Callable[[Terms], Terms], Form]:
    """How a stage's codes follow from what its operation delivered, and the form of these codes."""
    node, reach = step.node, step.reach
    assert node.firing is not None
    assert reach is not None
    levels = node.firing.code.levels
    dtype = torch.uint8 if levels <= _BYTE else torch.float32
    made = Form(shape=node.shape, terms=(Term(most=levels, dtype=dtype),))
    unit = torch.ones((), dtype=torch.float64) if step.threshold is None else step.threshold.double()
    factors = [constant_rows(times(t.factor, 1 / unit), form.shape, 1.0) for t in form.terms]
    offset = plus(plus(form.offset, step.initial), torch.tensor(0.5)) / unit  # pyright: ignore[reportOptionalOperand]
    *factors, offset = alike([*factors, constant_rows(offset, form.shape, 0.0)])
    pools = [op for op in node.firing.before_firing if isinstance(op, MaxPool)]
    movable = len(pools) == len(node.firing.before_firing) and (not pools or _by_channel([*factors, offset], form))
    if not movable or reach.total * (len(form.terms) + 3) >= _FLOAT64_FIRING:
        return _fire_plainly(step, form, dtype), made
    shaped, shape = [], form.shape
    for pool in pools:
        shape = tuple(pool([torch.empty(1, *shape, device="meta")]).shape[1:])
        shaped.append((pool, shape))
    gains, start = [factor.numpy() for factor in factors], offset.numpy()

    def run(held: Terms) -> Terms:
        laid = [laid_out(x) for x in held]
        codes = empty(len(laid[0]), form.shape, dtype)
        fire(rows(codes).numpy(), [rows(x).numpy() for x in laid], gains, start, levels)
        for pool, shape in shaped:
            codes = largest(codes, pool, shape)
        return (codes,)

    return run, made


def _by_channel(constants: list[Tensor], form: Form) -> bool:
    """Whether all neurons of a channel fire alike."""
    return len(form.shape) == 3 and all(len(constant) == 1 for constant in constants)


def _fire_plainly(step: Step, form: Form, dtype: torch.dtype) -> Callable[[Terms], Terms]:
    """The integer mode's own arithmetic, for potentials that are pooled first, or very large."""
    wide = copy.deepcopy(step).double()
    firing = step.node.firing
    assert firing is not None

    def run(held: Terms) -> Terms:
        potential = before_firing(wide, value(form, held, torch.float64))
        if wide.initial is not None:
            potential = potential + wide.initial
        return (close(potential.clone(), wide.threshold, firing.code).to(dtype),)

    return run


# Forms ---------------------------------------------------------------------------------------------------


def _delivered_shape(step: Step, given: list[Form]) -> tuple[int, ...]:
    """What the operation delivers; pools before firing may make it smaller afterwards."""
    inputs = [torch.empty(1, *form.shape, device="meta") for form in given]
    weight = None if step.weight is None else torch.empty(step.weight.shape, device="meta")
    return tuple(step.node.op(inputs, weight).shape[1:])


def _graded(shape: tuple[int, ...], most: float) -> Form:
    return Form(shape=shape, terms=(Term(most=most, signed=True, dtype=torch.float32),))


def _sums(shape: tuple[int, ...], most: float, dtype: torch.dtype = torch.float32) -> Form:
    return Form(shape=shape, terms=(Term(most=most, signed=True, dtype=dtype),))


def _holding(most: float) -> torch.dtype:
    """The floating point that holds integers of this magnitude."""
    return torch.float32 if most < FLOAT32_EXACT else torch.float64


def _named(dtype: torch.dtype) -> str:
    return SINGLE if dtype == torch.float32 else DOUBLE
