"""Weight bits that are stuck: at 0 or at 1 whatever is written to them, each bit with the same probability.

    word ← word AND NOT mask (at 0),  word OR mask (at 1)
About half of them hold what they should and change nothing: `hits` counts stuck bits, not changed ones. A 1-bit
weight is +1 where its bit is 1.
"""

from dataclasses import dataclass
from typing import Literal

from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Patch
from spikewright.reliability.faults._words import faulty, require_rate
from spikewright.reliability.sites import Sites


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckAt:
    """Stuck weight bits.

    Attributes:
        ber: probability of each stored bit.
        at: 0 or 1.

    Raises:
        BadSetting: a probability outside [0, 1], or another value to be stuck at.
    """

    ber: float
    at: int = 0
    kind: Literal["stuck_at"] = "stuck_at"

    def __post_init__(self) -> None:
        require_rate("stuck_at: ber", self.ber)
        if self.at not in (0, 1):
            raise BadSetting(f"stuck_at: at is {self.at}: a bit is stuck at 0 or at 1")

    @property
    def targets(self) -> str:
        """Stored weights."""
        return "weights"

    @property
    def ordinary(self) -> bool:
        """Any network with stored weights."""
        return True

    def patch(self, sites: Sites, draw: Draw) -> Patch:
        """The weights that are no longer what was written."""
        hit = draw.hits(sites.bits, self.ber)
        at_one = self.at == 1
        return Patch(
            weights=faulty(sites, hit, lambda words, masks: words | masks if at_one else words & ~masks), hits=len(hit)
        )
