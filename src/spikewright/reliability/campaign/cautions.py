"""What a reader of a campaign's figures should be warned of: few maps, few images, silent outputs, gains by faults.

    50 images, 43 right: the fault-free accuracy itself is known to ± 10 points only (Clopper–Pearson, 95 %)
Reliability divides by that accuracy, so that it is no better known; it is a constant in every interval over maps.
"""

from spikewright.measure.statistics.intervals import clopper_pearson
from spikewright.reliability.campaign.settings import Injection

FEW_MAPS = 100
FEW_IMAGES = 500  # of fewer, a fault-free accuracy of 90 % is known to no better than about ± 3 points


def cautions(found: Injection) -> tuple[str, ...]:
    """One line each, the worst first; none where there is nothing to say."""
    said: list[str] = []
    if found.silent:
        said.append(f"{_counted(found.silent, 'image')} with no output at all, even without faults")
    if found.images < FEW_IMAGES:
        right = round(found.accuracy_golden * found.images)
        half = clopper_pearson(right, found.images).half_width
        said.append(
            f"fewer than {FEW_IMAGES} images: with {found.images:,}, accuracy without faults is known to "
            f"± {100 * half:.1f} points only (95 %), and reliability no better"
        )
    better = [row.stratum for row in found.rows if row.accuracy_mean > found.accuracy_golden > 0]
    if better:
        said.append(
            f"reliability above 1 ({better[0]}{', …' if len(better) > 1 else ''}): more images are right with faults "
            "than without, as chance has it where images are few or the network is not good"
        )
    if any(row.maps < FEW_MAPS for row in found.rows):
        said.append(f"fewer than {FEW_MAPS} maps a part: take the intervals as a first impression")
    return tuple(said)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
