"""JSON as `spikewright inject --json` writes it, from accuracies by map and sums written out."""

from collections.abc import Sequence
from statistics import mean, stdev
from typing import Any

IMAGES = 200


def figures(accuracies: Sequence[float], golden: float = 0.9, *, stored: bool = True, **more: Any) -> dict[str, Any]:
    """One stratum; the interval is the mean ± twice its standard error."""
    middle, half = mean(accuracies), 2 * stdev(accuracies) / len(accuracies) ** 0.5
    found = {
        "accuracy_golden": golden,
        "accuracy_mean": middle,
        "accuracy_low": middle - half,
        "accuracy_high": middle + half,
        "accuracy_worst": min(accuracies),
        "accuracy_q05": sorted(accuracies)[len(accuracies) // 20],
        "reliability_mean": middle / golden,
        "reliability_low": (middle - half) / golden,
        "reliability_high": (middle + half) / golden,
        "maps": len(accuracies),
        **more,
    }
    return {**found, "accuracies": list(accuracies)} if stored else found


def campaign(accuracies: Sequence[float] | None, golden: float = 0.9, **more: Any) -> dict[str, Any]:
    """One network at one bit error rate; without accuracies, the rows that are given."""
    rows = [] if accuracies is None else [row("model", accuracies, golden=golden)]
    top = {} if accuracies is None else figures(accuracies, golden, stored=False)
    return {
        "images": IMAGES, "ber": 1e-2, "weight_bits": 8, "bits_total": 920_064, "scope": "model", "verdict": None,
        "fault": {"kind": "bit_flip", "ber": 1e-2, "count": None, "bits": None}, "level": 0.95, "rows": rows,
        "accuracy_golden": golden, **top, **more,
    }  # fmt: skip


def row(stratum: str, accuracies: Sequence[float], **more: Any) -> dict[str, Any]:
    """One row of a campaign by stratum."""
    return {"stratum": stratum, **figures(accuracies, **more)}
