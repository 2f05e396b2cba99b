"""Each operation of a lowered program on bytes: how it runs, the form of what it leaves, in which arithmetic.

A family of operations a file. A rule is called with the `Given` of one node, and returns how it runs on bytes, or None
where it had better run plainly, in floating point that holds its integers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from spikewright.engines.int8.products import FLOAT32_EXACT
from spikewright.engines.int8.terms import Form, Term, Terms
from spikewright.engines.program import Instruction

BYTES, SINGLE, DOUBLE = "u8·s8", "float32", "float64"

Delivered = Callable[[list[Terms]], Terms]


@dataclass(frozen=True, slots=True)
class OnBytes:
    """What a node's operation leaves, before the node's own factor and bias."""

    run: Delivered
    form: Form
    arithmetic: str  # of its products: BYTES, SINGLE or DOUBLE


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A node of a lowered program, the forms of what it reads, and the shape of what its operation delivers."""

    instruction: Instruction
    forms: list[Form]
    shape: tuple[int, ...]

    @property
    def gained(self) -> bool:
        """Whether an input has a factor of its own."""
        return any(self.instruction.gain(index) is not None for index in range(len(self.forms)))


Rule = Callable[[Given], OnBytes | None]


def graded(shape: tuple[int, ...], most: float) -> Form:
    """The form of integers of either sign up to a magnitude, in float32."""
    return Form(shape=shape, terms=(Term(most=most, signed=True, dtype=torch.float32),))


def holding(most: float) -> torch.dtype:
    """The floating point that holds integers of this magnitude."""
    return torch.float32 if most < FLOAT32_EXACT else torch.float64


def named(dtype: torch.dtype) -> str:
    """The name of an arithmetic in floating point."""
    return SINGLE if dtype == torch.float32 else DOUBLE
