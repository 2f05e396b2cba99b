"""Figures of a campaign: what its maps did, stratum by stratum, with intervals over maps.

    reliability = accuracy under faults / fault-free accuracy of the same stored network, same images
The fault map is the unit: an interval is Student's t over maps, not over images, which share their map's faults.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion" speaks of accuracy drops and of
reliability without defining either; the ratio is what its figures show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikewright.measure.statistics.intervals import Interval, t_interval
from spikewright.measure.statistics.looks import planned_interval
from spikewright.measure.statistics.values import UNIT, Range
from spikewright.reliability.campaign.outcomes import Outcome

_AROUND: Range = (-1.0, 1.0)  # where an accuracy can lie around its mean


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One stratum.

    Attributes:
        stratum: its name.
        bits: stored bits that could be struck; 0 where the fault strikes none.
        images: of the campaign.
        accuracy_golden: without faults.
        accuracies: by map id, [maps].
        hits, critical, harmful, healed, masked, due: by map id, [maps]; hits are struck places, the others images.
        accuracy: interval of the mean over maps.
    """

    stratum: str
    bits: int
    images: int
    accuracy_golden: float
    accuracies: NDArray[np.float64]
    hits: NDArray[np.int64]
    critical: NDArray[np.int64]
    harmful: NDArray[np.int64]
    healed: NDArray[np.int64]
    masked: NDArray[np.int64]
    due: NDArray[np.int64]
    accuracy: Interval

    @property
    def maps(self) -> int:
        """How many maps."""
        return len(self.accuracies)

    @property
    def accuracy_mean(self) -> float:
        """Mean accuracy over the maps."""
        return float(self.accuracies.mean())

    @property
    def worst_map(self) -> int:
        """The number of the map with the least accuracy; the first of several."""
        return int(self.accuracies.argmin())

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data; counts of images as shares of all images and maps."""
        pairs = self.images * self.maps
        return {
            "stratum": self.stratum,
            **_figures(self.accuracy_mean, self.accuracy, self.accuracy_golden),
            "accuracy_worst": float(self.accuracies.min()),
            "accuracy_worst_map": self.worst_map,
            "accuracy_q05": float(np.quantile(self.accuracies, 0.05)),
            "accuracy_sd": float(self.accuracies.std(ddof=1)) if self.maps > 1 else None,
            "maps": self.maps,
            "bits": self.bits,
            "hits_mean": float(self.hits.mean()),
            "masked": int(self.masked.sum()) / pairs,
            "critical": int(self.critical.sum()) / pairs,
            "harmful": int(self.harmful.sum()) / pairs,
            "healed": int(self.healed.sum()) / pairs,
            "due": int(self.due.sum()) / pairs,
            "accuracies": [float(value) for value in self.accuracies],
        }


def _figures(mean: float, interval: Interval, golden: float) -> dict[str, Any]:
    found = {"accuracy_mean": mean, "accuracy_low": interval.low, "accuracy_high": interval.high}
    for name in ("mean", "low", "high"):
        found[f"reliability_{name}"] = found[f"accuracy_{name}"] / golden if golden else None  # pyright: ignore
    return found


def row_of(
    stratum: str,
    outcomes: Sequence[Outcome],
    *,
    bits: int,
    images: int,
    golden: float,
    level: float,
    cap: int | None,
) -> Row:
    """A stratum's figures from its maps in the order of their ids.

    `cap` is that of a campaign that looked several times and stopped when it was enough; None: all maps were planned.
    """
    columns = {name: np.array([getattr(each, name) for each in outcomes], np.int64) for name in Outcome._fields}
    accuracies = columns.pop("right") / images
    return Row(
        stratum=stratum, bits=bits, images=images, accuracy_golden=golden, accuracies=accuracies,
        accuracy=_interval(accuracies, level, cap, UNIT), **columns,
    )  # fmt: skip


def _interval(values: NDArray[np.float64], level: float, cap: int | None, bounds: Range) -> Interval:
    planned = None if cap is None else planned_interval(values, level=level, cap=cap, bounds=bounds)
    return planned or t_interval(values, level=level, bounds=bounds)


def overall(rows: Sequence[Row], level: float, cap: int | None = None) -> Mapping[str, Any]:
    """The figures of all strata together: each counts alike, whatever its size and its number of maps.

    Their means are independent, so that the squares of their half widths add up. `cap` is as of `row_of`.
    """
    if len(rows) == 1:
        found = rows[0].to_json()
        return {name: found[name] for name in found if name.startswith(("accuracy_", "reliability_"))}
    means = np.array([row.accuracy_mean for row in rows])
    mean = float(means.mean())
    widths = [_interval(row.accuracies - row.accuracy_mean, level, cap, _AROUND).half_width for row in rows]
    half = float(np.sqrt(np.square(widths).sum())) / len(rows)
    found = _figures(mean, Interval(max(mean - half, 0.0), min(mean + half, 1.0), level), rows[0].accuracy_golden)
    together = np.concatenate([row.accuracies for row in rows])
    return {
        **found,
        "accuracy_worst": float(together.min()),
        "accuracy_q05": float(np.quantile(together, 0.05)),
    }
