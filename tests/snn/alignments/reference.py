"""The alignments as the QAC paper writes them, in its own scale: every spike is worth the same at every step.

There a value is the mean over a window's steps; in the value scale it is the sum, so a step of a window of T
steps is 1/T of the classical one.
"""

from collections.abc import Callable
from fractions import Fraction

import torch
from torch import Tensor

Classical = list[Fraction]


def averaged(train: Classical, timesteps: int) -> Classical:
    return [sum(train, Fraction(0)) / len(train) for _ in range(timesteps)]


def replicated(train: Classical, timesteps: int) -> Classical:
    return [train[t * len(train) // timesteps] for t in range(timesteps)]


def truncated(train: Classical, timesteps: int) -> Classical:
    return [train[t] for t in range(timesteps)]


def expected(train: list[int], timesteps: int, align: Callable[[Classical, int], Classical]) -> list[Fraction]:
    """A value-scale train of whole numbers, aligned in the classical scale and brought back."""
    classical = [Fraction(value) * len(train) for value in train]
    return [value / timesteps for value in align(classical, timesteps)]


def as_train(values: list[int]) -> Tensor:
    """[T, N, *features] with two samples and two features; the second of each is minus and twice the first."""
    first = torch.tensor(values, dtype=torch.float64).reshape(-1, 1, 1)
    return torch.cat([torch.cat([first, -first], 1), torch.cat([2 * first, -2 * first], 1)], 2)
