"""Random changes of a whole batch at once, uint8 or float [N, C, H, W]: crop, flip, cutout, a sequence.

Every image draws its own numbers, from the generator given and nowhere else. What falls outside is 0: black
before the preparation, the mean colour after it.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from spikewright.errors import BadSetting


class Augment(Protocol):
    """A random change of images [N, C, H, W] (or frames of events); a tensor of the same shape and type comes back."""

    def __call__(self, images: Tensor, /, *, generator: torch.Generator) -> Tensor:
        """Change `images`, drawing from `generator` (on the CPU) alone; they themselves stay as they are."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Several changes, one after another."""

    steps: tuple[Augment, ...]

    def __call__(self, images: Tensor, *, generator: torch.Generator) -> Tensor:
        """Apply the steps in order to images [N, C, H, W]."""
        for step in self.steps:
            images = step(images, generator=generator)
        return images


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomCrop:
    """Shift each image by up to `padding` pixels in both directions; the size stays.

    Source: He et al., https://arxiv.org/abs/1512.03385 (section 4.2).

    Raises:
        BadSetting: `padding` is negative.

    """

    padding: int = 4

    def __post_init__(self) -> None:
        if self.padding < 0:
            raise BadSetting(f"random crop: padding is {self.padding}: it must be 0 pixels or more")

    def __call__(self, images: Tensor, *, generator: torch.Generator) -> Tensor:
        """Crop images [N, C, H, W] out of their padded selves."""
        count, _, height, width = images.shape
        padded = F.pad(images, (self.padding,) * 4)
        top, left = torch.randint(2 * self.padding + 1, (2, count), generator=generator).to(images.device)
        # every possible window, as a view: picking one per image copies just that one
        windows = padded.unfold(2, height, 1).unfold(3, width, 1)
        return windows[torch.arange(count, device=images.device), :, top, left]


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomFlip:
    """Mirror each image left to right with a probability.

    Raises:
        BadSetting: `probability` is not between 0 and 1.

    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise BadSetting(f"random flip: probability is {self.probability}: it must be from 0 to 1")

    def __call__(self, images: Tensor, *, generator: torch.Generator) -> Tensor:
        """Mirror some of the images [N, C, H, W]."""
        chosen = torch.rand(len(images), generator=generator) < self.probability
        return torch.where(chosen.to(images.device).view(-1, 1, 1, 1), images.flip(-1), images)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutout:
    """Blank a square of `size` pixels a side in each image; its centre may lie anywhere, even at the edge.

    Source: DeVries & Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout",
    https://arxiv.org/abs/1708.04552

    Raises:
        BadSetting: `size` is below one.

    """

    size: int = 16

    def __post_init__(self) -> None:
        if self.size < 1:
            raise BadSetting(f"cutout: size is {self.size}: it must be 1 pixel or more")

    def __call__(self, images: Tensor, *, generator: torch.Generator) -> Tensor:
        """Blank a square of each of the images [N, C, H, W]."""
        rows = self._inside(len(images), images.shape[2], generator).to(images.device)
        columns = self._inside(len(images), images.shape[3], generator).to(images.device)
        return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)

    def _inside(self, count: int, extent: int, generator: torch.Generator) -> Tensor:
        start = torch.randint(extent, (count, 1), generator=generator) - self.size // 2
        offset = torch.arange(extent) - start
        return (offset >= 0) & (offset < self.size)
