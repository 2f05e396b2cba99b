"""From stored pixels to what a network sees: (pixel / 255 - mean) / std, after a resize or change of colour.

Part of every saved network: the same pixels must mean the same numbers wherever it runs.
Knows nothing about data sets, files or augmentation.
"""

from dataclasses import dataclass
from math import isfinite, prod

import torch
import torch.nn.functional as F
from torch import Tensor

from spikewright.errors import BadData, BadSetting

MOST_NUMBERS = 2**28  # in one prepared image
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: what PIL's "L" mode uses


@dataclass(frozen=True, slots=True, kw_only=True)
class InputPreparation:
    """How images become a network's input.

    `mean` and `std` are per channel on the scale where white is 1; `size` is (height, width) in pixels, None
    to keep every image as it is; `channels` is 1 (grey) or 3 (RGB), or more for images that have as many.

    Raises:
        BadSetting: a length that is not `channels`, a std that is not positive, a number that is not finite.

    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: tuple[int, int] | None
    channels: int

    def __post_init__(self) -> None:
        # JSON brings lists, and hashing needs tuples
        object.__setattr__(self, "mean", tuple(float(value) for value in self.mean))
        object.__setattr__(self, "std", tuple(float(value) for value in self.std))
        object.__setattr__(self, "size", None if self.size is None else tuple(self.size))
        if self.channels < 1:
            raise BadSetting(f"input preparation: channels is {self.channels}: it must be 1 or more")
        if self.channels * prod(self.size or ()) > MOST_NUMBERS:
            raise BadSetting(
                f"input preparation: {self.channels} channels of {self.size} are more than {MOST_NUMBERS:,} numbers "
                "an image: give a smaller size"
            )
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != self.channels:
                raise BadSetting(
                    f"input preparation: {name} has {len(values)} values for {self.channels} channels: "
                    "give one per channel"
                )
            if not all(isfinite(value) for value in values):
                raise BadSetting(f"input preparation: {name} is {values}: every value must be finite")
        if min(self.std) <= 0:
            raise BadSetting(f"input preparation: std is {self.std}: every value must be above 0")
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise BadSetting(f"input preparation: size is {self.size}: give (height, width), each 1 or more")

    @property
    def value_range(self) -> tuple[float, float]:
        """Smallest and largest value that a prepared input can have, over all channels."""
        pairs = tuple(zip(self.mean, self.std, strict=True))
        return min((0 - mean) / std for mean, std in pairs), max((1 - mean) / std for mean, std in pairs)

    def __call__(self, images: Tensor) -> Tensor:
        """Prepare uint8 images [N, C, H, W]; returns float32 [N, channels, height, width].

        Raises:
            BadData: not uint8, not four axes, or channels that cannot become the ones wanted.

        """
        if images.dtype != torch.uint8 or images.ndim != 4:
            raise BadData(
                f"input preparation: got {images.dtype} of shape {tuple(images.shape)}: give uint8 images [N, C, H, W]"
            )
        x = images.to(torch.float32)
        if self.size is not None and x.shape[-2:] != self.size:
            # antialiased: a plain bilinear resize would skip pixels when it shrinks
            x = F.interpolate(x, size=self.size, mode="bilinear", antialias=True, align_corners=False)
        x = self._recolour(x)
        mean = torch.tensor(self.mean, device=x.device).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=x.device).view(1, -1, 1, 1)
        return x.div_(255).sub_(mean).div_(std)

    def _recolour(self, x: Tensor) -> Tensor:
        given = x.shape[1]
        if given == self.channels:
            return x
        if given == 1 and self.channels == 3:
            return x.repeat(1, 3, 1, 1)
        if given == 3 and self.channels == 1:
            return (x * torch.tensor(LUMA, device=x.device).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
        raise BadData(
            f"input preparation: images have {given} channels, the network takes {self.channels}: "
            "only grey and RGB are converted into each other"
        )
