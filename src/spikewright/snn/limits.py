"""What can be run at all: bounds on time, values and shapes, so that no file asks for what never ends or fits nowhere.

They are far above what networks have; a network within them may still be slow, or need a smaller batch.
"""

import math
from collections.abc import Sequence
from typing import Protocol

from spikewright.errors import BadPlan

MOST_STEPS = 2**16  # of a window, a warm-up, an alignment: as many as methods have
MOST_LEVELS = 2**31 - 1  # the largest code: integers of the lowered network have 32 bits
MOST_NUMBERS = 2**28  # in one value of one sample; in float32, that is a gigabyte
MOST_AXES = 16  # of a value: no captured network comes near


class _Code(Protocol):
    @property
    def timesteps(self) -> int: ...
    @property
    def warmup(self) -> int: ...
    @property
    def levels(self) -> int: ...


def require_steps(where: str, steps: int) -> None:
    """Refuse more steps than are run.

    Raises:
        BadPlan: there are more than `MOST_STEPS`.
    """
    if steps > MOST_STEPS:
        raise BadPlan(f"{where} has {_short(steps)} steps: {MOST_STEPS:,} at most can be run")


def require_code(where: str, code: _Code) -> None:
    """Refuse a code that is too long, or whose values no engine holds.

    Raises:
        BadPlan: a window or a warm-up above `MOST_STEPS`, or levels above `MOST_LEVELS`.
    """
    require_steps(f"{where}: its window", code.timesteps)
    require_steps(f"{where}: its warm-up", code.warmup)
    if code.levels > MOST_LEVELS:
        raise BadPlan(f"{where}: its code counts to {_short(code.levels)}: {MOST_LEVELS:,} at most can be run")


def require_shape(where: str, shape: Sequence[int], *, steps: int = 1) -> None:
    """Refuse a shape without numbers, or with more over all steps than can be held.

    Raises:
        BadPlan: an axis below 1, too many axes, or too many numbers.
    """
    if any(size < 1 for size in shape):
        raise BadPlan(f"{where} has shape {tuple(shape)}: every axis must be 1 or more")
    if len(shape) > MOST_AXES:
        raise BadPlan(f"{where} has {len(shape)} axes: {MOST_AXES} at most can be run")
    numbers = math.prod(shape) * steps
    if numbers > MOST_NUMBERS:
        over = f" over {steps:,} steps" if steps > 1 else ""
        raise BadPlan(
            f"{where} has shape {tuple(shape)}{over}, {_short(numbers)} numbers a sample: "
            f"{MOST_NUMBERS:,} at most can be run"
        )


def _short(number: int) -> str:
    """A number as it is, or by its size where it would fill the line."""
    return f"{number:,}" if abs(number) < 10**15 else f"about 10^{len(str(abs(number))) - 1}"
