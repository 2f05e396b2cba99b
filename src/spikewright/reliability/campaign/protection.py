"""What hardware could do about faults in stored weights: keep top bits in an error-correcting code, clip what is read.

    ecc    the top n bits of each word come back as they were written
    clip   word ← min(max(word, least), most), the range of the layer's weights as they were written
Applied to what a map rewrites, so a protected network meets the same faults as the bare one, and the two are paired.

The code is taken as ideal: it corrects whatever hits the bits it keeps, and its check bits are never hit. Their price
is that of one correcting, two detecting: 8 check bits for 64 kept ones.

Source: range restriction after Chen et al. 2021 (Ranger), there of activations, here of weights; (72, 64) codes after
Hsiao 1970.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from spikewright.errors import BadSetting
from spikewright.reliability.faults import Patch, Rewrite
from spikewright.reliability.faults._words import integers, words
from spikewright.reliability.sites import Memory, Sites

_PROTECTED, _CHECKS = 64, 8  # bits of a code word, and its check bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """How stored weights are protected.

    Attributes:
        ecc: so many top bits of each weight are kept in a code; 0: none.
        clip: what is read is brought into the range that its layer was written with.

    Raises:
        BadSetting: a number of bits below 0 or above 16.
    """

    ecc: int = 0
    clip: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.ecc <= 16:
            raise BadSetting(f"ecc keeps {self.ecc} bits of each weight: give 0 to 16")

    @property
    def name(self) -> str:
        """In words."""
        parts = [*(["clipped to the range written"] if self.clip else [])]
        if self.ecc:
            parts.append(f"top {'bit' if self.ecc == 1 else f'{self.ecc} bits'} in ECC")
        return ", ".join(parts) or "as it is"

    def extra_bits(self, sites: Sites) -> int:
        """Bits that it takes besides the weights."""
        protected = sum(len(memory.integers) * min(self.ecc, memory.bits) for memory in sites.memories)
        return math.ceil(protected / _PROTECTED) * _CHECKS

    def __call__(self, patch: Patch, sites: Sites) -> Patch:
        """What is left of a map's faults."""
        memories = {memory.name: memory for memory in sites.memories}
        left = {name: self._of(rewrite, memories[name]) for name, rewrite in patch.weights.items()}
        return replace(patch, weights={name: rewrite for name, rewrite in left.items() if len(rewrite.places)})

    def _of(self, rewrite: Rewrite, memory: Memory) -> Rewrite:
        before, after = memory.integers[rewrite.places], rewrite.integers
        if self.ecc:
            protected = min(self.ecc, memory.bits)
            top = ((1 << protected) - 1) << (memory.bits - protected)
            found, written = words(after, memory.bits), words(before, memory.bits)
            after = integers((found & ~top) | (written & top), memory.bits)
        if self.clip:
            after = np.clip(after, memory.integers.min(), memory.integers.max())
        changed = after != before
        return Rewrite(rewrite.places[changed], after[changed])
