"""Times of events: brought to whole microseconds, and refused where they cannot be those of one clock.

    seconds · 10⁶, milliseconds · 10³, microseconds, nanoseconds / 10³, each rounded to the nearest

Cameras send neighbouring events in either order now and then, by a few microseconds: that is put in order, and counted.
A clock of few bits that starts again, or a second recording behind the first, steps back by about all that was
recorded: put in order, such events would be mixed without a word, so it is refused.

Knows nothing about files, pixels or frames.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikewright.data.events.recording_settings import TimeUnit
from spikewright.errors import BadData

LATEST = 2**60  # microseconds, more than any clock has
LONGEST = 2**62  # microseconds between two events: differences stay within an int64
JITTER = 1000  # microseconds that events may be out of order by, however short the recording
PER_UNIT = {"s": 1_000_000, "ms": 1000, "us": 1}  # microseconds
NANOSECONDS = 1000  # in a microsecond


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfOrder:
    """How often times step back, and by how many microseconds at most."""

    steps: int
    largest: int


def in_microseconds(
    values: NDArray[np.generic], *, unit: TimeUnit | None, usual: TimeUnit, where: str
) -> NDArray[np.int64]:
    """Bring times [n] to microseconds.

    Args:
        values: whole numbers or fractions.
        unit: what they count, None where nobody says so: then it is `usual`.
        usual: the unit of that kind of file. Fractions of microseconds are refused, as a clock has none.
        where: names the file in messages.

    Raises:
        BadData: not finite, beyond what a clock has, or fractions whose unit is not known.

    """
    taken = unit or usual
    _require_possible(values, most=LATEST * NANOSECONDS if taken == "ns" else LATEST // PER_UNIT[taken], where=where)
    if values.dtype.kind != "f":
        whole = values.astype(np.int64)
        # nearest, in integers: halves go up
        return (whole + NANOSECONDS // 2) // NANOSECONDS if taken == "ns" else whole * PER_UNIT[taken]
    numbers = values.astype(np.float64)
    if unit is None and usual == "us":
        _require_whole(numbers, where=where)
    return np.rint(numbers / NANOSECONDS if taken == "ns" else numbers * PER_UNIT[taken]).astype(np.int64)


def _require_possible(values: NDArray[np.generic], *, most: int, where: str) -> None:
    most = min(most, 2**62)
    # in float64 nothing overflows; written so that NaN is refused as well
    good = np.abs(values.astype(np.float64)) <= most
    if not good.all():
        row, count = int(np.argmin(good)), int((~good).sum())
        raise BadData(
            f"{where}: event {row} has t = {values[row]}: it must be finite, and no time beyond {LATEST} microseconds "
            f"({count:,} of {len(values):,} events): give the unit of times (--time-unit, in Python time_unit=), or "
            "correct the file"
        )


def _require_whole(numbers: NDArray[np.float64], *, where: str) -> None:
    broken = np.floor(numbers) != numbers
    if broken.any():
        row = int(np.argmax(broken))
        raise BadData(
            f"{where}: {int(broken.sum()):,} of {len(numbers):,} events have times with fractions, as event {row} with "
            f"t = {numbers[row]}: their unit cannot be known: give --time-unit s, ms, us or ns (in Python time_unit=)"
        )


def out_of_order(times: NDArray[np.int64], *, where: str) -> OutOfOrder:
    """Count the steps back in times [n], n ≥ 1, of any int64.

    Raises:
        BadData: they span `LONGEST` or more, or step back by more than `JITTER` and half of what they span.

    """
    span = int(times.max()) - int(times.min())
    if span >= LONGEST:
        raise BadData(f"{where}: lasts {span:,} µs, which cannot be cut: the file is damaged")
    change = np.diff(times)
    steps, largest = int((change < 0).sum()), max(0, -int(change.min(initial=0)))
    if largest > JITTER and 2 * largest > span:
        raise BadData(
            f"{where}: times step back at {steps:,} of {len(times):,} events, by up to {largest:,} of the {span:,} µs "
            "that they span: a clock that starts again, or recordings behind each other: unwrap the times or cut the "
            "file; if they are right and only out of order, sort the events by t"
        )
    return OutOfOrder(steps=steps, largest=largest)


def require_resolved(times: NDArray[np.int64], *, timesteps: int, where: str) -> None:
    """Refuse a recording that lasts fewer microseconds than it is to have frames, though it holds several events.

    `times` [n] are in order. One event alone has no duration that could be wrong.

    Raises:
        BadData: it is one.

    """
    lasts = int(times[-1]) - int(times[0]) + 1
    if len(times) > 1 and lasts < timesteps:
        raise BadData(
            f"{where}: {len(times):,} events within {lasts:,} µs, shorter than {timesteps} frames of a microsecond: "
            "give the unit of its times (--time-unit, in Python time_unit=), windows by count (--frames-by count), or "
            "remove the recording"
        )
