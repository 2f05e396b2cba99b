"""Augmentations against the same change made image by image with slices."""

import pytest
import torch

from spikewright.data.augment import Augment, Augmentation, Cutout, RandomCrop, RandomFlip
from spikewright.errors import BadSetting

STEPS = [
    RandomCrop(),
    RandomFlip(),
    Cutout(size=5),
    Augmentation(steps=(RandomCrop(), Cutout(), RandomFlip())),
]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(dtype: torch.dtype = torch.uint8) -> torch.Tensor:
    # from 1: a 0 can only come from outside
    return torch.randint(1, 256, (64, 3, 9, 12), generator=generator(9)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_every_step_keeps_its_promises(step: Augment, dtype: torch.dtype) -> None:
    given, state = images(dtype), torch.get_rng_state()
    got = step(given, generator=generator())
    assert (got.shape, got.dtype) == (given.shape, dtype)
    assert torch.equal(given, images(dtype)), "the images given were changed"
    assert torch.equal(got, step(given, generator=generator()))
    assert not torch.equal(got, step(given, generator=generator(1)))
    assert torch.equal(torch.get_rng_state(), state), "the global generator was used"


def test_crops_are_windows_of_the_padded_image() -> None:
    given = images()
    got = RandomCrop(padding=2)(given, generator=generator())
    seen = set()
    for image, crop in zip(given, got, strict=True):
        padded = torch.zeros(3, 13, 16, dtype=torch.uint8)
        padded[:, 2:-2, 2:-2] = image
        fits = [
            (top, left)
            for top in range(5)
            for left in range(5)
            if torch.equal(crop, padded[:, top : top + 9, left : left + 12])
        ]
        assert len(fits) == 1
        seen.add(fits[0])
    assert {top for top, _ in seen} == {left for _, left in seen} == set(range(5))


def test_flips_mirror_about_half() -> None:
    given = images()
    got = RandomFlip()(given, generator=generator())
    flipped = [torch.equal(g, i.flip(-1)) for g, i in zip(got, given, strict=True)]
    assert all(f or torch.equal(g, i) for f, g, i in zip(flipped, got, given, strict=True))
    assert 16 < sum(flipped) < 48
    assert torch.equal(RandomFlip(probability=1.0)(given, generator=generator()), given.flip(-1))
    assert torch.equal(RandomFlip(probability=0.0)(given, generator=generator()), given)


@pytest.mark.parametrize("size", [4, 5])
def test_cutout_blanks_one_square_in_all_channels(size: int) -> None:
    given = images()
    got = Cutout(size=size)(given, generator=generator())
    for image, cut in zip(given, got, strict=True):
        blank = cut[0] == 0
        rows, columns = blank.any(1).nonzero().flatten(), blank.any(0).nonzero().flatten()
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        wanted = image.clone()
        wanted[:, top:bottom, left:right] = 0
        assert torch.equal(cut, wanted)
        # smaller than asked only where it leaves the image
        assert bottom - top == size or top == 0 or bottom == 9
        assert right - left == size or left == 0 or right == 12


def test_bad_settings_are_refused() -> None:
    with pytest.raises(BadSetting, match="random crop: padding is -1"):
        RandomCrop(padding=-1)
    with pytest.raises(BadSetting, match=r"random flip: probability is 1\.5"):
        RandomFlip(probability=1.5)
    with pytest.raises(BadSetting, match="cutout: size is 0"):
        Cutout(size=0)
