"""The int8 engine: a lowered network on bytes, the collapsed engine's codes at a fraction of its time.

    products    u8 codes · s8 weights, summed in 32 bits (`products.py`), where a stage's proven reach allows that;
                else float32 integers below 2^24, else float64 integers below 2^53
    firing      code = clip(⌊(Σ_i A_i·x_i + B + v0 + ½) / U⌋, 0, Σw) in one pass over the sums, in float64
Everything that is added is an integer and U is one, so the ½ keeps the quotient 1/(2U) away from every boundary, and
what float64 rounds, (n + 3)·2^-53 of the terms' magnitude for n terms, cannot carry it across while that magnitude
stays below 2^52 / (n + 3). A stage that could pass this divides as the collapsed engine does. So the codes are those
of the integer mode, on every machine; which arithmetic each node got is in `Int8Network.arithmetic`.
Max pools before firing move behind it, onto bytes, where every neuron of a channel fires alike: firing is monotone.

Source: closed forms of "When SNN meets ANN"; reduced integers as in `engines/lower/integer.py`. Ours: the byte
products, the ½.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from spikewright.ann.source import INPUT
from spikewright.engines.currents import scaled
from spikewright.engines.ends import require_one_input, returned
from spikewright.engines.int8.operations import graded
from spikewright.engines.int8.pieces import Piece, piece_of
from spikewright.engines.int8.products import FLOAT32_EXACT
from spikewright.engines.int8.terms import (
    Terms,
    laid_out,
    value,
)
from spikewright.engines.program import Program, StageInstruction
from spikewright.engines.record import Record, StageRecord
from spikewright.engines.stateless import Stateless
from spikewright.errors import BadData, NotExact
from spikewright.snn.plan import Plan


class Int8Network(Stateless, nn.Module):
    """A lowered program on bytes; no state, nothing to train, the CPU only.

    Args:
        program: made by `IntegerMode.lower`.

    Raises:
        NotExact: the program is not one of integers; it names the node.
    """

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program
        self._dtype = next((buffer.dtype for buffer in program.buffers()), torch.float32)
        require_one_input(program.plan, "int8")
        encoder = program.plan.encoder
        most = float(FLOAT32_EXACT) if encoder.largest is None else encoder.largest
        forms = {INPUT: graded(program.plan.input_shape, most)}
        self._pieces: list[Piece] = []
        for instruction in program.instructions:
            if not instruction.integral or instruction.reach is None:
                raise NotExact(
                    f"node {instruction.node.name!r} does not hold integers: lower the network first (IntegerMode)"
                )
            piece = piece_of(instruction, [forms[name] for name in instruction.node.inputs])
            self._pieces.append(piece)
            forms[instruction.node.name] = piece.form

    def __reduce__(self) -> tuple[type["Int8Network"], tuple[Program]]:
        """By its program: what it lays out for itself is laid out anew."""
        return type(self), (self.program,)

    @property
    def plan(self) -> Plan:
        """The structure."""
        return self.program.plan

    @property
    def arithmetic(self) -> Mapping[str, str]:
        """What the products of each node with weights are done in: "u8·s8", "float32" or "float64"."""
        return {p.instruction.node.name: p.arithmetic for p in self._pieces if p.instruction.node.op.multiplies}

    def forward(self, x: Tensor) -> Any:
        """[N, *input_shape] → the read-out [N, *output_shape] in the value scale, as the integer mode gives it.

        Several outputs go back as the float engine gives them.

        Raises:
            BadData: inputs of another shape.
        """
        values = dict[str, Tensor]()
        for piece, terms in self._run(x):
            name = piece.instruction.node.name
            if name in self.program.readouts:
                values[name] = self._read(piece, terms)
        return returned(self.plan, values)

    def collapse(self, x: Tensor) -> Iterator[Record]:
        """[N, *input_shape] → one record a stage, its codes in float32, and one a read-out.

        Raises:
            BadData: inputs of another shape.
        """
        for piece, terms in self._run(x):
            instruction = piece.instruction
            if isinstance(instruction, StageInstruction):
                yield StageRecord(instruction.stage, terms[0].float())
            elif instruction.node.name in self.program.readouts:
                output = self.program.readouts[instruction.node.name]
                yield Record(instruction.node, self._read(piece, terms), output=output)

    def _run(self, x: Tensor) -> Iterator[tuple[Piece, Terms]]:
        if tuple(x.shape[1:]) != self.plan.input_shape:
            raise BadData(
                f"the network takes inputs of shape {self.plan.input_shape}, got {tuple(x.shape[1:])}: "
                "resize them or convert the model for that shape"
            )
        # On the grid as the integer mode puts it there, in its own type
        grid = self.plan.encoder(x.to(torch.promote_types(x.dtype, self._dtype)))[0]
        values: dict[str, Terms] = {INPUT: (laid_out(grid.float()),)}
        for piece in self._pieces:
            node = piece.instruction.node
            values[node.name] = terms = piece.run([values[name] for name in node.inputs])
            yield piece, terms
            for name in set(node.inputs):
                if self.program.last_use[name] == node.name:
                    del values[name]

    def _read(self, piece: Piece, terms: Terms) -> Tensor:
        return scaled(value(piece.form, terms, self._dtype), self.program.worth(piece.instruction.node.name))
