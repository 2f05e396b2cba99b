"""Staircase: a neuron that compares its potential with a table of thresholds, one for each code, and resets nothing.

    code(u) = #{k : u ≥ rising[k] or u ≤ falling[k]}           (minus L where codes have a sign)
    s[t] = [the code so far + w[t] is reached]                  sign and table are held from the first spike on
So a stage takes the place of any activation that rises, or falls to one minimum and then rises: T comparisons, and one
more for the sign or the branch; no function is evaluated and nothing is multiplied. The threshold that it is handed is
what a spike is worth in codes.

Source: none; the greedy firing of "When SNN meets ANN", Eq. 10, with thresholds that need not be multiples of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from spikewright.snn.neurons._plain import NoLeak


class StaircaseMembrane(NamedTuple):
    """What a neuron carries from step to step."""

    potential: Tensor  # [N, *features], which spikes do not change
    emitted: Tensor  # the code that its spikes make up so far


@dataclass(frozen=True, slots=True, kw_only=True)
class Staircase(NoLeak):
    """The staircase law; its thresholds are arrays of the stage, `rising` and `falling`.

    Attributes:
        signed: codes −L..L, whose spikes are −1 or 1; else 0..L.
        falls: there is a branch that falls before the minimum.
    """

    signed: bool = False
    falls: bool = False
    kind: Literal["staircase"] = "staircase"
    conserves: ClassVar[bool] = True  # no part of the potential is lost before the last step
    leaks: ClassVar[bool] = False
    takes_back: ClassVar[bool] = False
    rate_only: ClassVar[bool] = False
    needs_window: ClassVar[bool] = True  # a code follows from the whole potential alone
    resets: ClassVar[bool] = False

    @property
    def compares_once(self) -> int:
        """Comparisons besides one a step: for the sign, or for the branch."""
        return int(self.signed) + int(self.falls)

    @property
    def arrays(self) -> tuple[str, ...]:
        """The arrays that a stage has for it, [thresholds, *features] or what broadcasts to that."""
        return ("rising", "falling") if self.falls else ("rising",)

    def thresholds(self, levels: int) -> int:
        """How many thresholds a table has for codes up to `levels`."""
        return 2 * levels if self.signed else levels

    def init(self, initial: Tensor, like: Tensor) -> StaircaseMembrane:
        """A membrane at its initial potential, nothing emitted."""
        return StaircaseMembrane(initial.expand_as(like), torch.zeros_like(like))

    def integrate(self, state: StaircaseMembrane, current: Tensor) -> StaircaseMembrane:
        """Add one step's current."""
        return StaircaseMembrane(state.potential + current, state.emitted)

    def fire(self, state: StaircaseMembrane, threshold: Tensor) -> tuple[StaircaseMembrane, Tensor]:  # noqa: ARG002
        """As soon as it is bound to the tables of a stage."""
        raise TypeError("a staircase fires by the tables of a stage: bind it to them")

    def bound(self, arrays: Mapping[str, Tensor]) -> "_Comparing":
        """The law with the tables of one stage."""
        tables = {"rising": arrays["rising"], "falling": arrays.get("falling")}
        return _Comparing(signed=self.signed, falls=self.falls, **tables)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Comparing(Staircase):
    """The staircase law of one stage, with its tables."""

    rising: Tensor
    falling: Tensor | None

    def fire(self, state: StaircaseMembrane, threshold: Tensor) -> tuple[StaircaseMembrane, Tensor]:
        """Emit a spike where the code that it would make up is reached; on the side of 0 where the potential is."""
        potential, emitted = state
        if not self.signed:
            spikes = self._reached(potential, emitted + threshold)
        else:
            zero = torch.zeros_like(emitted)
            spikes = torch.where(
                self._reached(potential, zero) > 0,
                self._reached(potential, emitted + threshold),
                self._reached(potential, emitted - threshold + 1) - 1,  # the code above is not reached
            )
        return StaircaseMembrane(potential, emitted + spikes * threshold), spikes

    def code(self, potential: Tensor) -> Tensor:
        """The code of a whole window's potential [N, *features], in its own type."""
        code = _count(self.rising, potential)
        if self.falling is not None:
            code = torch.maximum(code, _count(-self.falling, -potential))
        return (code - len(self.rising) // 2 if self.signed else code).to(potential.dtype)

    def drifted(self, factors: Tensor) -> "Drifted":
        """With all thresholds of a neuron so many times as large, [*features]."""
        rising = _spread(self.rising, factors.dim()) * factors
        falling = None if self.falling is None else _spread(self.falling, factors.dim()) * factors
        return Drifted(replace(self, rising=rising, falling=falling), factors)

    def _reached(self, potential: Tensor, code: Tensor) -> Tensor:
        """1 where a code is reached, else 0; `code` [N, *features], whole numbers above the lowest code."""
        place = code.long() + (len(self.rising) // 2 if self.signed else 0) - 1
        reached = potential >= _at(self.rising, place)
        if self.falling is not None:
            reached |= potential <= _at(self.falling, place)
        return reached.to(potential.dtype)


class Drifted:
    """A staircase whose thresholds have drifted; it is handed thresholds that have drifted as well."""

    def __init__(self, inner: _Comparing, factors: Tensor) -> None:
        self.inner, self.factors = inner, factors

    def init(self, initial: Tensor, like: Tensor) -> StaircaseMembrane:
        """As the law."""
        return self.inner.init(initial, like)

    def integrate(self, state: StaircaseMembrane, current: Tensor) -> StaircaseMembrane:
        """As the law."""
        return self.inner.integrate(state, current)

    def fire(self, state: StaircaseMembrane, threshold: Tensor) -> tuple[StaircaseMembrane, Tensor]:
        """As the law, by its own tables: a spike is worth as many codes as before."""
        return self.inner.fire(state, (threshold / self.factors).round())


def _at(table: Tensor, place: Tensor) -> Tensor:
    """Entries [N, *features] of a table [thresholds, *features or what broadcasts]."""
    whole = _spread(table, place.dim() - 1).unsqueeze(1).expand(-1, *place.shape)
    return whole.gather(0, place.clamp(0, len(table) - 1).unsqueeze(0))[0]


def _count(table: Tensor, potential: Tensor) -> Tensor:
    """How many thresholds of a sorted table lie at or below each potential [N, *features], int64."""
    table = _spread(table, potential.dim() - 1)
    axes = [axis for axis, size in enumerate(table.shape) if axis and size > 1]
    if not axes:
        return torch.bucketize(potential, table.flatten(), right=True)
    front = list(range(len(axes)))
    tables = table.movedim(0, -1).reshape(-1, len(table)).contiguous()
    moved = potential.movedim(axes, front)
    counted = torch.searchsorted(tables, moved.reshape(len(tables), -1).contiguous(), right=True)
    return counted.reshape(moved.shape).movedim(front, axes)


def _spread(table: Tensor, rank: int) -> Tensor:
    """[thresholds, *some] as [thresholds, *features], features of `rank` axes."""
    return table.reshape(len(table), *(1,) * (rank + 1 - table.dim()), *table.shape[1:])
