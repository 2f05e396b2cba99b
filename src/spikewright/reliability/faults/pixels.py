"""Faulty pixels: stuck dark or bright, the same ones for all images; or noise, anew for each image.

    rate     x[pixel] = low or high of the input's range, for struck pixels
    noise    x ← x + noise · (high − low) · z,   z ~ N(0, 1) by (map, image, value); not clipped to the range
A pixel is a place of the last two axes where the input has three or more ([C, H, W], frames [T, C, H, W]): its colours,
polarities and frames are struck together. Else every value is a pixel. Applied to prepared inputs, before they are
encoded.

Source: sensor faults as commonly defined (dead and hot pixels); noise as of `evaluate --noise`. Differs: noise is drawn
by the image's number, so that it is the same in any batch.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.errors import BadSetting
from spikewright.reliability import draw_loops as draws
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults import Patch
from spikewright.reliability.faults._words import require_rate
from spikewright.reliability.sites import Sites


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """Stuck or noisy pixels; exactly one of `rate` and `noise` is given.

    Attributes:
        rate: probability that a pixel is stuck.
        value: what it is stuck at, low (dark) or high (bright).
        noise: standard deviation as a share of the input's range.
        low: the smallest value of an input; None: that of the data.
        high: the largest; None: that of the data.

    Raises:
        BadSetting: none or both of rate and noise, a probability outside [0, 1], another value, noise that is negative
            or not finite, or a range that is none.
    """

    rate: float | None = None
    value: Literal["low", "high"] = "low"
    noise: float | None = None
    low: float | None = None
    high: float | None = None
    kind: Literal["pixels"] = "pixels"

    def __post_init__(self) -> None:
        if (self.rate is None) == (self.noise is None):
            raise BadSetting("pixels: give one of rate (a probability of each pixel) or noise (a share of the range)")
        require_rate("pixels: rate", self.rate)
        if self.noise is not None and not 0 <= self.noise < math.inf:
            raise BadSetting(f"pixels: noise is {self.noise}: it must be 0 or more, and finite")
        if self.value not in ("low", "high"):
            raise BadSetting(f"pixels: value is {self.value!r}: a pixel is stuck low or high")
        for name, end in (("low", self.low), ("high", self.high)):
            if end is not None and not math.isfinite(end):
                raise BadSetting(f"pixels: {name} is {end}: it must be finite")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise BadSetting(f"pixels: low is {self.low} and high {self.high}: low must be below high")

    @property
    def targets(self) -> str:
        """The input."""
        return "pixels"

    @property
    def ordinary(self) -> bool:
        """Any network has an input."""
        return True

    def patch(self, sites: Sites, draw: Draw) -> Patch:
        """The input with its faulty pixels; `hits` counts pixels.

        Raises:
            BadSetting: the input's range is needed, and neither given nor known.
        """
        shape = sites.input_shape
        if shape is None:
            return Patch()
        grid = shape[-2:] if len(shape) > 2 else shape
        if self.noise is not None:
            scale = (self._end("high", sites) - self._end("low", sites)) * self.noise
            return Patch(pixels=_Noise(draw.key(), _by_channel(scale)), hits=math.prod(grid))
        assert self.rate is not None
        hit = draw.hits(math.prod(grid), self.rate)
        if not len(hit):
            return Patch()
        mask = torch.zeros(math.prod(grid), dtype=torch.bool)
        mask[torch.from_numpy(hit)] = True
        return Patch(pixels=_Stuck(mask.reshape(grid), _by_channel(self._end(self.value, sites))), hits=len(hit))

    def _end(self, name: Literal["low", "high"], sites: Sites) -> Tensor:
        given = self.low if name == "low" else self.high
        if given is not None:
            return torch.tensor([given], dtype=torch.float64)
        if sites.input_range is None:
            raise BadSetting(f"pixels: the range of the inputs is not known: give {name}=…")
        return torch.tensor(sites.input_range[0 if name == "low" else 1], dtype=torch.float64)


def _by_channel(values: Tensor) -> Tensor:
    """One number for all, or one a channel as [C, 1, 1]."""
    return values.reshape(()) if values.numel() == 1 else values.reshape(-1, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Stuck:
    mask: Tensor  # bool, of the grid of pixels
    level: Tensor  # 0-d or [C, 1, 1]

    def pixels(self, inputs: Tensor, images: NDArray[np.int64]) -> Tensor:  # noqa: ARG002
        return torch.where(self.mask.to(inputs.device), self.level.to(inputs), inputs)


@dataclass(frozen=True, slots=True, eq=False)
class _Noise:
    key: int
    scale: Tensor  # 0-d or [C, 1, 1]

    def pixels(self, inputs: Tensor, images: NDArray[np.int64]) -> Tensor:
        slots = np.arange(math.prod(inputs.shape[1:]), dtype=np.int64)
        drawn = torch.from_numpy(draws.normals(draws.image_keys(self.key, images), slots))
        return inputs + (drawn.reshape(inputs.shape) * self.scale).to(inputs)
