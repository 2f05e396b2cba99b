"""Real values on a grid of each image's own, on which sums of products with whole numbers are exact.

    |x| < 2^e for all that an image has there;  x ↦ the nearest multiple of 2^(e − digits)
How an image is read follows from its own values alone, never from who else is there. Small values lose most: where one
that is below 2^20 multiples is rounded (a vector's), or more than an eighth of a channel's values are, as beside a
value that lies far out, the image is *wide*. It is then read in parts, x = part + part + …, each on a grid of its own,
until nothing is left; so its products are those of x itself, but for the rounding of one float64 sum of the parts.
Values that are read on one grid are thus known to 2^-21 of themselves, or are few in a channel that is far larger.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.reliability.injectable.layout import lanes, pick, pick_channels

MOST_DIGITS = 50  # that one addition in float64 rounds to
SURE_BITS = 20  # of a value that is rounded; below it a value is small
_SPARED = 8  # one of so many values of a channel may be small


class Read(NamedTuple):
    """What a product reads.

    Attributes:
        values: [T, N, *], laid out as values are; those of wide images are not rounded.
        tops: int64 [N], the exponent e of each image; None where all values are whole numbers.
        wide: bool [N], which images are read in parts; None: none of them.
    """

    values: Tensor
    tops: Tensor | None = None
    wide: Tensor | None = None

    def of(self, rows: Tensor | None) -> "Read":
        """Some of the images, by their places; None: all."""
        if rows is None:
            return self
        tops = None if self.tops is None else self.tops[rows]
        wide = None if self.wide is None else self.wide[rows]
        return Read(pick(self.values, rows), tops, wide if wide is not None and bool(wide.any()) else None)

    def channels(self, channels: Tensor) -> "Read":
        """Some of the channels, on the grids of all."""
        return self._replace(values=pick_channels(self.values, channels))


def on_own_grid(value: Tensor, digits: int, *, each: bool) -> Read:
    """Values [T, N, *] on a grid of so many bits for each image; of one that is not finite nothing is.

    `each` says that every value counts for itself, as a vector's do, and not the share of them in a channel [T, N, C].
    """
    from spikewright.reliability.injectable.rounding import round_columns, round_maps  # noqa: PLC0415 - brings Numba, which whole numbers do without

    most = _largest(value)
    finite = np.isfinite(most)
    tops = np.where(finite, np.frexp(np.where(finite, most, 0))[1], 0).astype(np.int64)
    anchor = np.where(finite, np.ldexp(1.5, 52 - digits + tops), np.nan)
    low = np.ldexp(1.0, SURE_BITS - digits + tops)
    lost = np.where(finite, 0.0, 1.0)
    if value.dim() == 3:
        given = lanes(value)
        rounded = torch.empty_like(given)
        round_columns(rounded.flatten(0, 1).numpy(), given.flatten(0, 1).numpy(), anchor, low, lost)
        rounded = rounded.transpose(1, 2)
    else:
        value = value.contiguous()
        rounded = torch.empty_like(value)
        shape = (*value.shape[:2], 1, -1) if each or value.dim() == 2 else (*value.shape[:3], -1)
        spared = value.numel() + 1 if each else _SPARED
        round_maps(rounded.view(shape).numpy(), value.view(shape).numpy(), anchor, low, spared, lost)
    wide = torch.from_numpy(lost != 0)
    if not bool(wide.any()):
        return Read(rounded, torch.from_numpy(tops))
    raw = torch.from_numpy((lost != 0) & finite).nonzero().flatten()
    rounded[:, raw] = value[:, raw]
    return Read(rounded, torch.from_numpy(tops), wide)


def parts(value: Tensor, digits: int) -> Iterator[Read]:
    """Values [T, N, *] as parts that add up to them, each on a grid of so many bits for each image.

    What an image still has at a later part is 0 where it has had all; so an image's sums do not depend on the others.
    """
    rest = value.double()
    while True:
        tops = _tops(rest)
        anchor = torch.from_numpy(np.ldexp(1.5, 52 - digits + tops)).reshape(1, -1, *(1,) * (rest.dim() - 2))
        part = (rest + anchor) - anchor
        yield Read(part, torch.from_numpy(tops))
        rest = (rest - part).nan_to_num_(nan=0.0)
        if not bool(rest.any()):
            return


def _tops(value: Tensor) -> NDArray[np.int64]:
    most = _largest(value)
    return np.frexp(np.where(np.isfinite(most), most, 0))[1].astype(np.int64)


def _largest(value: Tensor) -> NDArray[np.floating]:
    """The largest magnitude of each image [N]; not a number where one of its values is none."""
    from spikewright.reliability.injectable.rounding import largest_of_columns  # noqa: PLC0415 - brings Numba, which whole numbers do without

    if value.dim() == 3:
        most = np.zeros(value.shape[1], value.numpy().dtype)
        largest_of_columns(most, lanes(value).flatten(0, 1).numpy())
        return most
    if not value.numel():
        return np.zeros(value.shape[1], value.numpy().dtype)
    low, high = value.flatten(2).aminmax(dim=2) if value.dim() > 2 else (value, value)
    return torch.maximum(-low, high).amax(0).numpy()
