"""Bit flips in stored weights: every bit with the same probability and alone, a fixed number of them, or a list.

    word ← word XOR mask
A flip may make −2^(b−1), which no quantiser stores: it is kept.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", §III (bit error rate on weights).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Patch
from spikewright.reliability.faults._words import faulty, listed, require_rate
from spikewright.reliability.sites import Sites


@dataclass(frozen=True, slots=True, kw_only=True)
class BitFlip:
    """Flipped weight bits; exactly one of the settings is given.

    Attributes:
        ber: probability of each stored bit.
        count: so many different bits, every choice as likely as any other.
        bits: these, as (weight's place in stored order, bit's position, 0 the least) by layer.

    Raises:
        BadSetting: none or several of them, a probability outside [0, 1], or a count below 1.
    """

    ber: float | None = None
    count: int | None = None
    bits: Mapping[str, tuple[tuple[int, int], ...]] | None = None
    kind: Literal["bit_flip"] = "bit_flip"

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.ber, self.count, self.bits)) != 1:
            raise BadSetting("bit_flip: give one of ber (a probability), count or bits")
        require_rate("bit_flip: ber", self.ber)
        if self.count is not None and self.count < 1:
            raise BadSetting(f"bit_flip: count is {self.count}: flip 1 bit or more")

    @property
    def targets(self) -> str:
        """Stored weights."""
        return "weights"

    @property
    def ordinary(self) -> bool:
        """Any network with stored weights."""
        return True

    def patch(self, sites: Sites, draw: Draw) -> Patch:
        """The weights whose bits flipped."""
        if self.bits is not None:
            hit = listed(self.bits, sites)
        elif self.count is not None:
            if self.count > sites.bits:
                raise BadSetting(f"bit_flip: count is {self.count}, but there are {sites.bits} bits here")
            hit = draw.distinct(sites.bits, self.count)
        else:
            assert self.ber is not None
            hit = draw.hits(sites.bits, self.ber)
        return Patch(weights=faulty(sites, hit, lambda words, masks: words ^ masks), hits=len(hit))
