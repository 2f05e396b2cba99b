"""Integers on their way between two operations, not yet put together: integer = Σ_i factor_i · x_i + offset.

A convolution's sum is left as it comes, and the factors and constants that belong to it (a residual sum's ratios, a
bias) are carried beside it until a stage fires, so that no pass over memory is spent on them. What is known before
anything runs is a `Form`; at run time a value is a tuple of tensors, one a term.
Knows nothing about spikes.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

Terms = tuple[Tensor, ...]

BYTE = 255  # the largest integer that a byte holds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Term:
    """One tensor: integers in bytes or in floating point.

    Attributes:
        most: the largest magnitude of its elements.
        factor: float64, broadcasts to the features; None means 1.
        signed: whether an element can be negative.
        dtype: what the elements are held in.
    """

    most: float
    factor: Tensor | None = None
    signed: bool = False
    dtype: torch.dtype = torch.uint8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Form:
    """The terms of a value of this shape, and its offset: float64, broadcasts to the features; None means 0."""

    shape: tuple[int, ...]
    terms: tuple[Term, ...]
    offset: Tensor | None = None

    @property
    def plain(self) -> bool:
        """Whether its one tensor is the value itself."""
        return len(self.terms) == 1 and self.terms[0].factor is None and self.offset is None

    def scaled(self, factor: Tensor | None, bias: Tensor | None) -> "Form":
        """The form of factor · value + bias."""
        terms = tuple(replace(term, factor=times(term.factor, factor)) for term in self.terms)
        return replace(self, terms=terms, offset=plus(times_constant(self.offset, factor), bias))


def value(form: Form, terms: Terms, dtype: torch.dtype) -> Tensor:
    """The integers themselves, [N, *shape], in a type that holds them."""
    if form.plain:
        return terms[0].to(dtype)
    wide = [
        x.double() if term.factor is None else x.double() * term.factor
        for x, term in zip(terms, form.terms, strict=True)
    ]
    total = wide[0]
    for other in wide[1:]:
        total = total + other
    return (total if form.offset is None else total + form.offset).to(dtype)


def times(left: Tensor | None, right: Tensor | None) -> Tensor | None:
    """A product of factors, None standing for 1."""
    factors = [factor.double() for factor in (left, right) if factor is not None]
    if not factors:
        return None
    product = factors[0] * factors[1] if len(factors) > 1 else factors[0]
    return None if bool((product == 1).all()) else product


def times_constant(constant: Tensor | None, factor: Tensor | None) -> Tensor | None:
    """A constant, None standing for 0, times a factor, None standing for 1."""
    return constant if constant is None or factor is None else constant.double() * factor.double()


def plus(left: Tensor | None, right: Tensor | None) -> Tensor | None:
    """A sum of constants, None standing for 0."""
    if left is None or right is None:
        left = left if right is None else right
        return None if left is None else left.double()
    return left.double() + right.double()


# Rows ----------------------------------------------------------------------------------------------------


def laid_out(x: Tensor) -> Tensor:
    """[N, *features] without gaps; images with their channels last."""
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x.contiguous()


def empty(batch: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Room for a value, laid out like the others."""
    form = torch.channels_last if len(shape) == 3 else torch.contiguous_format
    return torch.empty((batch, *shape), dtype=dtype, memory_format=form)


def rows(x: Tensor) -> Tensor:
    """A value that is laid out → [R, C], a view: images by pixel, all else by its last axis."""
    if x.dim() == 4:
        n, channels, height, width = x.shape
        return x.as_strided((n * height * width, channels), (channels, 1), x.storage_offset())
    return x.view(-1, x.shape[-1] if x.dim() > 1 else 1)


def constant_rows(constant: Tensor | None, shape: tuple[int, ...], default: float) -> Tensor:
    """A constant that broadcasts to the features → float64 [P, C], the rows of one sample."""
    full = torch.full((), default, dtype=torch.float64) if constant is None else constant.double()
    full = full.expand(shape)
    return full.permute(1, 2, 0).reshape(-1, shape[0]) if len(shape) == 3 else full.reshape(-1, *shape[-1:] or (1,))


def alike(constants: list[Tensor]) -> list[Tensor]:
    """Constants [P, C] as [1, C] where all of them have only one kind of row."""
    if all(torch.equal(constant, constant[:1].expand_as(constant)) for constant in constants):
        constants = [constant[:1] for constant in constants]
    return [constant.contiguous() for constant in constants]
