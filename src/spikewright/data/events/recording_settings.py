"""What a person says about recordings that their files do not: the unit of times, the sensor, polarities, strays.

Part of what a network of events is saved with, so that recordings are read the same way wherever it runs.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from spikewright.errors import BadSetting, nearest

TimeUnit = Literal["s", "ms", "us", "ns"]
Stray = Literal["refuse", "drop"]
Polarity = Literal["0/1", "-1/1"]
MOST_SIDE = 2**14  # pixels of a sensor


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSettings:
    """How recordings are to be read; the defaults take what each format says of itself.

    Attributes:
        time_unit: of the times in `.npy`, `.npz` and `.txt`, which do not say it.
        sensor: (height, width) of the camera in pixels, where it is not the one that the format goes with.
        stray: whether an event outside the sensor refuses its recording, or is dropped and counted.
        polarity: what stands for darker and brighter in `.npy`, `.npz` and `.txt`.

    Raises:
        BadSetting: a value that is not among those, or a sensor without pixels.

    """

    time_unit: TimeUnit | None = None
    sensor: tuple[int, int] | None = None
    stray: Stray = "refuse"
    polarity: Polarity = "0/1"

    def __post_init__(self) -> None:
        if self.time_unit is not None:
            _require(self.time_unit, TimeUnit, "time unit")
        _require(self.stray, Stray, "stray")
        _require(self.polarity, Polarity, "polarity")
        if self.sensor is None:
            return
        # JSON brings lists, and hashing needs tuples
        object.__setattr__(self, "sensor", tuple(self.sensor))
        if len(self.sensor) != 2 or min(self.sensor) < 1 or max(self.sensor) > MOST_SIDE:
            raise BadSetting(
                f"recordings: sensor is {self.sensor}: give (height, width), each from 1 to {MOST_SIDE:,} pixels"
            )

    @property
    def of_columns(self) -> tuple[str, ...]:
        """What is asked for that only files without a format of their own take, in words."""
        asked = {
            f"time unit {self.time_unit}": self.time_unit is not None,
            f"polarity {self.polarity}": self.polarity != "0/1",
        }
        return tuple(name for name, given in asked.items() if given)


def _require(value: str, allowed: object, name: str) -> None:
    if value not in get_args(allowed):
        raise BadSetting(f"recordings: {name} is {value!r}: {nearest(str(value), get_args(allowed))}")


AS_THEY_ARE = RecordingSettings()
