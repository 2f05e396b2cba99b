"""The lists and spans that a search goes through: all points of a grid, and the same lists made wider.

A list holds the values of a grid; a span is a range to sample from (`exploration/strategies/sampled.py`), which has
no grid.
Widening continues each list by one value at either end, at the pace of the list itself. Knows nothing about networks.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

from spikewright.errors import BadSetting
from spikewright.exploration.request.points import Converted, Point, Trained
from spikewright.training.snn.recipes import DEFAULT_LEAK

NEURONS = ("if", "lif")
MOST_TIMESTEPS = 2**16  # of rate codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A range of numbers, both ends included; `log` samples evenly in the logarithm.

    Raises:
        BadSetting: ends that are not finite or not in order, or a logarithm of what is not above 0.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise BadSetting(f"a range needs low < high, got {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise BadSetting(f"a logarithmic range must begin above 0, got {self.low}")


Values = tuple[int, ...] | Span
Reals = tuple[float, ...] | Span


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedSpace:
    """Spiking networks to train.

    Attributes:
        timesteps: T, 1 or more.
        thresholds: what a membrane must reach, above 0.
        bits: of the stored weights, 2..16.
        neurons: `if` forgets nothing; `lif` takes each of the leaks.
        leaks: share of a membrane that is left a step later, inside (0, 1).

    Raises:
        BadSetting: an empty list, a value twice or out of its range, or an unknown neuron.
    """

    timesteps: Values
    thresholds: Reals
    bits: tuple[int, ...] = (8,)
    neurons: tuple[str, ...] = ("if",)
    leaks: Reals = (DEFAULT_LEAK,)
    WIDENS: ClassVar[tuple[str, ...]] = ("timesteps", "thresholds")

    def __post_init__(self) -> None:
        _require(self, "timesteps", least=1, most=MOST_TIMESTEPS)
        _require(self, "thresholds", least=0, inclusive=False)
        _require(self, "bits", least=2, most=16)
        _require(self, "leaks", least=0, most=1, inclusive=False)
        _require_listed("neurons", self.neurons)
        for neuron in self.neurons:
            if neuron not in NEURONS:
                raise BadSetting(f"[space] neurons: there is no neuron {neuron!r}: choose among {', '.join(NEURONS)}")

    def points(self) -> list[Point]:
        """Every point of the grid, in the order of the lists; timesteps change slowest.

        Raises:
            BadSetting: a span, which has no grid.
        """
        _require_lists(self)
        neurons = [(name, leak) for name in self.neurons for leak in ((None,) if name == "if" else _listed(self.leaks))]
        product = itertools.product(_listed(self.timesteps), _listed(self.thresholds), neurons, self.bits)
        return [
            Trained(timesteps=int(steps), threshold=float(threshold), neuron=name, leak=leak, bits=bits)
            for steps, threshold, (name, leak), bits in product
        ]

    def wider(self, lists: Sequence[str], *, most_timesteps: int) -> Self:
        """The same with one value more at either end of each of these lists, where there is room."""
        return _wider(self, lists, most_timesteps)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertedSpace:
    """Conversions of a trained network.

    Attributes:
        methods: names, each with settings if need be, as `compare` takes them: `cos:rounds=3`.
        timesteps: T of all layers.
        mean_timesteps: mean T over layers, for methods that take one T a layer.
        bits: of the stored weights, 2..16.

    Raises:
        BadSetting: an empty list, no timesteps of either sort, or a value twice or out of its range.
    """

    methods: tuple[str, ...]
    timesteps: Values = ()
    mean_timesteps: tuple[float, ...] = ()
    bits: tuple[int, ...] = (8,)
    WIDENS: ClassVar[tuple[str, ...]] = ("timesteps", "mean_timesteps")

    def __post_init__(self) -> None:
        _require_listed("methods", self.methods)
        if not self.timesteps and not self.mean_timesteps:
            raise BadSetting("[space] timesteps is empty: give numbers of timesteps, or mean_timesteps")
        if isinstance(self.timesteps, Span) and self.mean_timesteps:
            raise BadSetting(
                "[space] timesteps is a range, and mean_timesteps a list: give one of the two, or two lists"
            )
        _require(self, "timesteps", least=1, most=MOST_TIMESTEPS, empty=True)
        _require(self, "mean_timesteps", least=1, most=MOST_TIMESTEPS, empty=True)
        _require(self, "bits", least=2, most=16)

    def points(self) -> list[Point]:
        """Every point of the grid, methods changing slowest; T that a method cannot run is left out by its maker.

        Raises:
            BadSetting: a span, which has no grid.
        """
        _require_lists(self)
        found: list[Point] = []
        for method in self.methods:
            for steps, bits in itertools.product(_listed(self.timesteps), self.bits):
                found.append(Converted(method=method, timesteps=int(steps), bits=bits))
            for mean, bits in itertools.product(self.mean_timesteps, self.bits):
                found.append(Converted(method=method, mean_timesteps=float(mean), bits=bits))
        return found

    def wider(self, lists: Sequence[str], *, most_timesteps: int) -> Self:
        """The same with one value more at either end of each of these lists, where there is room."""
        return _wider(self, lists, most_timesteps)


Space = TrainedSpace | ConvertedSpace


def finite(space: Space) -> bool:
    """Whether it is a grid: lists alone."""
    return not any(isinstance(getattr(space, field.name), Span) for field in fields(space))


def written_out(space: Space) -> Space:
    """The same with a range of timesteps as the list of its whole numbers, which may be long; ranges of reals stay."""
    steps = space.timesteps
    if not isinstance(steps, Span):
        return space
    return replace(space, timesteps=tuple(range(int(steps.low), int(steps.high) + 1)))


def combinations(space: Space) -> int | None:
    """At most so many points, a range of timesteps counted by its whole numbers; None: ranges of reals have no end."""
    found = 1
    for field in fields(space):
        values = getattr(space, field.name)
        if not isinstance(values, Span):
            found *= max(len(values), 1)
        elif field.name == "timesteps":
            found *= int(values.high) - int(values.low) + 1
        else:
            return None
    return found


def ends(space: Space) -> Space:
    """The grid of a space whose ranges are brought down to their two ends."""
    ranges = {field.name: getattr(space, field.name) for field in fields(space)}
    return replace(
        space,
        **{name: (values_of.low, values_of.high) for name, values_of in ranges.items() if isinstance(values_of, Span)},
    )


def continued(values: Sequence[float], *, whole: bool, least: float, most: float) -> tuple[float, ...]:
    """A list with one value more below its least and above its most, by the ratio of the nearest two (2 of one alone).

    Args:
        values: in any order, above 0.
        whole: whether they are whole numbers; a step is then at least 1.
        least: no value below it is added.
        most: no value above it is added.

    Returns:
        All values, ascending.
    """
    ordered = sorted(values)
    below, above = (ordered[1] / ordered[0], ordered[-1] / ordered[-2]) if len(ordered) > 1 else (2.0, 2.0)
    low, high = ordered[0] / below, ordered[-1] * above
    if whole:
        low, high = float(min(round(low), ordered[0] - 1)), float(max(round(high), ordered[-1] + 1))
    else:
        low, high = float(f"{low:.6g}"), float(f"{high:.6g}")  # a name of few digits
    low, high = max(low, least), min(high, most)
    return (*((low,) if low < ordered[0] else ()), *ordered, *((high,) if high > ordered[-1] else ()))


def _wider(space: Any, lists: Sequence[str], most_timesteps: int) -> Any:
    made: dict[str, Any] = {}
    for name in lists:
        values = getattr(space, name)
        if not isinstance(values, tuple) or not values:
            continue
        whole, steps = name == "timesteps", name.endswith("timesteps")
        most = float(most_timesteps) if steps else math.inf
        wide = continued(values, whole=whole, least=1.0 if steps else 0.0, most=most)
        made[name] = tuple(int(value) for value in wide) if whole else wide
    return replace(space, **made)


def _listed(values: Values | Reals) -> tuple[Any, ...]:
    assert isinstance(values, tuple)
    return values


def _require_lists(space: Any) -> None:
    for field in fields(space):
        if isinstance(getattr(space, field.name), Span):
            raise BadSetting(f"[space] {field.name} is a range, which has no grid: give a list, or add [optuna]")


def _require_listed(name: str, values: Sequence[Any]) -> None:
    if not values:
        raise BadSetting(f"[space] {name} is empty: give at least one value")
    twice = next((value for index, value in enumerate(values) if value in values[:index]), None)
    if twice is not None:
        raise BadSetting(f"[space] {name} has {twice!r} twice: leave one of them out")


def _require(
    space: Any, name: str, *, least: float, most: float = math.inf, inclusive: bool = True, empty: bool = False
) -> None:
    values_of = getattr(space, name)
    values = (values_of.low, values_of.high) if isinstance(values_of, Span) else values_of
    if values or not empty:
        _require_listed(name, values)
    if name == "timesteps" and any(value != int(value) for value in values if math.isfinite(value)):
        raise BadSetting(f"[space] {name} runs from {values_of.low:g} to {values_of.high:g}: give whole numbers")
    for value in values:
        inside = least <= value <= most if inclusive else least < value < most
        if not (inside and math.isfinite(value)):
            words = f"{least:g} to {most:g}" if math.isfinite(most) else f"{least:g} or more"
            words = words if inclusive else f"between {least:g} and {most:g}" if math.isfinite(most) else "above 0"
            raise BadSetting(f"[space] {name} has {value:g}: it must be {words}")
