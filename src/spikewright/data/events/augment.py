"""Random changes of frames of events, uint8 or float [N, T, 2, H, W]: the same for all T frames of a recording.

Each has the call of `data.augment.Augment`, so that `Batches` takes it: every recording draws its own numbers, from
the generator given and nowhere else. Mirroring left to right is a choice, never a default: it makes a right hand's
gesture a left hand's (DVS-Gesture), and a digit none at all (N-MNIST); CIFAR10-DVS bears it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from spikewright.data.augment import Augment, Augmentation, RandomCrop, RandomFlip
from spikewright.errors import BadSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class AlikeInTime:
    """A change of images, drawn once for each recording and made to all its frames: `RandomCrop`, `RandomFlip`, ….

    What falls outside is 0: no events.
    """

    step: Augment

    def __call__(self, frames: Tensor, *, generator: torch.Generator) -> Tensor:
        """Change frames [N, T, 2, H, W]."""
        # an image of 2·T channels: whatever treats channels alike treats frames alike
        changed = self.step(frames.flatten(1, 2), generator=generator)
        return changed.unflatten(1, frames.shape[1:3])


@dataclass(frozen=True, slots=True, kw_only=True)
class PolarityFlip:
    """Exchange darker and brighter of a recording with a probability.

    Raises:
        BadSetting: `probability` is not between 0 and 1.

    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        _require_share("polarity flip", "probability", self.probability)

    def __call__(self, frames: Tensor, *, generator: torch.Generator) -> Tensor:
        """Exchange the polarities of some of the frames [N, T, 2, H, W]."""
        chosen = (torch.rand(len(frames), generator=generator) < self.probability).to(frames.device)
        return torch.where(chosen.view(-1, 1, 1, 1, 1), frames.flip(2), frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropEvents:
    """Lose each event with a probability: a count c becomes a draw of Binomial(c, 1 − share).

    Source: Gu et al., "EventDrop: Data Augmentation for Event-based Learning", IJCAI 2021, "random drop". There, a
    share drawn for each recording is lost; here, `share` is fixed, and each event is drawn by itself.

    Raises:
        BadSetting: `share` is not between 0 and 1.

    """

    share: float = 0.1

    def __post_init__(self) -> None:
        _require_share("drop events", "share", self.share)

    def __call__(self, frames: Tensor, *, generator: torch.Generator) -> Tensor:
        """Thin out frames [N, T, 2, H, W] of whole counts."""
        # most pixels of a frame have no event: only the others are drawn for
        thinned = frames.clone()
        places = frames.nonzero(as_tuple=True)
        counts = frames[places].to("cpu", torch.float32)
        drawn = torch.binomial(counts, torch.full_like(counts, 1 - self.share), generator=generator)
        thinned[places] = drawn.to(frames.device, frames.dtype)
        return thinned


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTime:
    """Lose all events of round(share · T) frames in a row, anywhere in the recording.

    Source: Gu et al. (see `DropEvents`), "drop by time".

    Raises:
        BadSetting: `share` is not between 0 and 1.

    """

    share: float = 0.1

    def __post_init__(self) -> None:
        _require_share("drop time", "share", self.share)

    def __call__(self, frames: Tensor, *, generator: torch.Generator) -> Tensor:
        """Blank some of the T frames of each recording of [N, T, 2, H, W]."""
        inside = _block(len(frames), frames.shape[1], self.share, generator).to(frames.device)
        return frames.masked_fill(inside[:, :, None, None, None], 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropArea:
    """Lose all events in a rectangle with `share` of each side, wholly inside, in all frames.

    Source: Gu et al. (see `DropEvents`), "drop by area".

    Raises:
        BadSetting: `share` is not between 0 and 1.

    """

    share: float = 0.1

    def __post_init__(self) -> None:
        _require_share("drop area", "share", self.share)

    def __call__(self, frames: Tensor, *, generator: torch.Generator) -> Tensor:
        """Blank a rectangle of each recording of [N, T, 2, H, W]."""
        rows = _block(len(frames), frames.shape[3], self.share, generator).to(frames.device)
        columns = _block(len(frames), frames.shape[4], self.share, generator).to(frames.device)
        return frames.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None, None], 0)


def event_augmentation(
    *, shift: int = 0, mirror: bool = False, polarity: float = 0.0, drop: float = 0.0
) -> Augmentation | None:
    """The changes that are asked for, in a fixed order; None where none is.

    Args:
        shift: pixels, up to which a recording is moved in both directions.
        mirror: whether half of the recordings are mirrored left to right. Not for gestures or digits: see above.
        polarity: with which probability darker and brighter are exchanged.
        drop: with which probability each event is lost.

    Raises:
        BadSetting: a number that cannot be.

    """
    steps: list[Augment] = []
    if shift:
        steps.append(AlikeInTime(step=RandomCrop(padding=shift)))
    if mirror:
        steps.append(AlikeInTime(step=RandomFlip()))
    if polarity:
        steps.append(PolarityFlip(probability=polarity))
    if drop:
        steps.append(DropEvents(share=drop))
    return Augmentation(steps=tuple(steps)) if steps else None


def _block(count: int, extent: int, share: float, generator: torch.Generator) -> Tensor:
    """Mark round(share · extent) places in a row, for each of `count` somewhere else; bool [count, extent]."""
    length = round(share * extent)
    start = torch.randint(extent - length + 1, (count, 1), generator=generator)
    offset = torch.arange(extent) - start
    return (offset >= 0) & (offset < length)


def _require_share(what: str, name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise BadSetting(f"{what}: {name} is {value}: it must be from 0 to 1")
