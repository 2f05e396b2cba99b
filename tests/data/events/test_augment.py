"""Changes of frames against the same change made recording by recording; alike in all frames of one."""

import pytest
import torch

from spikewright.data.augment import Augment, Augmentation, Cutout, RandomCrop, RandomFlip
from spikewright.data.events.augment import (
    AlikeInTime,
    DropArea,
    DropEvents,
    DropTime,
    PolarityFlip,
    event_augmentation,
)
from spikewright.errors import BadSetting

STEPS = [
    AlikeInTime(step=RandomCrop(padding=2)),
    AlikeInTime(step=RandomFlip()),
    PolarityFlip(),
    DropEvents(share=0.3),
    DropTime(share=0.4),
    DropArea(share=0.5),
    event_augmentation(shift=2, mirror=True, polarity=0.5, drop=0.1),
]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def frames(dtype: torch.dtype = torch.uint8) -> torch.Tensor:
    # from 1: a 0 can only come from a change
    return torch.randint(1, 256, (40, 5, 2, 8, 11), generator=generator(9)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(getattr(step, "step", step)).__name__)
def test_every_step_keeps_its_promises(step: Augment, dtype: torch.dtype) -> None:
    given, state = frames(dtype), torch.get_rng_state()
    got = step(given, generator=generator())
    assert (got.shape, got.dtype) == (given.shape, dtype)
    assert torch.equal(given, frames(dtype)), "the frames given were changed"
    assert torch.equal(got, step(given, generator=generator()))
    assert not torch.equal(got, step(given, generator=generator(1)))
    assert torch.equal(torch.get_rng_state(), state), "the global generator was used"


def test_all_frames_of_a_recording_are_shifted_alike() -> None:
    given = frames()
    got = AlikeInTime(step=RandomCrop(padding=2))(given, generator=generator())
    shifts = set()
    for recording, moved in zip(given, got, strict=True):
        padded = torch.zeros(5, 2, 12, 15, dtype=torch.uint8)
        padded[..., 2:-2, 2:-2] = recording
        fits = [
            (top, left)
            for top in range(5)
            for left in range(5)
            if torch.equal(moved, padded[..., top : top + 8, left : left + 11])
        ]
        assert len(fits) == 1
        shifts.add(fits[0])
    assert len(shifts) > 10


def test_all_frames_of_a_recording_are_mirrored_or_none() -> None:
    given = frames()
    got = AlikeInTime(step=RandomFlip())(given, generator=generator())
    mirrored = [torch.equal(g, f.flip(-1)) for g, f in zip(got, given, strict=True)]
    assert all(m or torch.equal(g, f) for m, g, f in zip(mirrored, got, given, strict=True))
    assert 8 < sum(mirrored) < 32


def test_cutout_blanks_the_same_square_in_all_frames() -> None:
    got = AlikeInTime(step=Cutout(size=3))(frames(), generator=generator())
    blank = got == 0
    assert blank.any()
    assert torch.equal(blank, blank[:, :1, :1].expand_as(blank))


def test_polarities_are_exchanged_about_half_the_time() -> None:
    given = frames()
    got = PolarityFlip()(given, generator=generator())
    exchanged = [torch.equal(g, f[:, [1, 0]]) for g, f in zip(got, given, strict=True)]
    assert all(e or torch.equal(g, f) for e, g, f in zip(exchanged, got, given, strict=True))
    assert 8 < sum(exchanged) < 32
    assert torch.equal(PolarityFlip(probability=1.0)(given, generator=generator()), given[:, :, [1, 0]])
    assert torch.equal(PolarityFlip(probability=0.0)(given, generator=generator()), given)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_events_are_lost_with_the_given_probability(share: float) -> None:
    given = frames()
    got = DropEvents(share=share)(given, generator=generator())
    assert bool((got <= given).all())
    total = int(given.long().sum())
    spread = (total * share * (1 - share)) ** 0.5
    assert int(got.long().sum()) == pytest.approx(total * (1 - share), abs=5 * spread + 1e-9)


def test_lost_events_of_a_pixel_follow_the_binomial_distribution() -> None:
    given = torch.full((1, 1, 2, 100, 100), 10, dtype=torch.uint8)
    got = DropEvents(share=0.2)(given, generator=generator()).double()
    assert float(got.mean()) == pytest.approx(8, abs=0.05)
    assert float(got.var()) == pytest.approx(10 * 0.2 * 0.8, abs=0.1)


def test_pixels_without_events_get_none() -> None:
    given = frames() * (torch.arange(11) % 2).to(torch.uint8)
    assert not DropEvents(share=0.1)(given, generator=generator())[..., ::2].any()


def test_frames_in_a_row_are_blanked() -> None:
    given = frames()
    got = DropTime(share=0.4)(given, generator=generator())
    starts = set()
    for recording, dropped in zip(given, got, strict=True):
        blank = [bool((frame == 0).all()) for frame in dropped]
        start = blank.index(True)
        assert blank == [start <= frame < start + 2 for frame in range(5)]
        assert all(torch.equal(d, r) for d, r, b in zip(dropped, recording, blank, strict=True) if not b)
        starts.add(start)
    assert starts == {0, 1, 2, 3}
    assert torch.equal(DropTime(share=0.05)(given, generator=generator()), given)


def test_a_rectangle_inside_is_blanked_in_all_frames() -> None:
    given = frames()
    got = DropArea(share=0.5)(given, generator=generator())
    places = set()
    for recording, dropped in zip(given, got, strict=True):
        blank = dropped[0, 0] == 0
        top, left = int(blank.any(1).nonzero()[0]), int(blank.any(0).nonzero()[0])
        wanted = recording.clone()
        wanted[..., top : top + 4, left : left + round(5.5)] = 0
        assert torch.equal(dropped, wanted)
        places.add((top, left))
    assert {top for top, _ in places} == set(range(5))


def test_what_is_asked_for_is_put_together() -> None:
    assert event_augmentation() is None
    assert event_augmentation(shift=3) == Augmentation(steps=(AlikeInTime(step=RandomCrop(padding=3)),))
    assert event_augmentation(mirror=True, polarity=0.2, drop=0.3) == Augmentation(
        steps=(AlikeInTime(step=RandomFlip()), PolarityFlip(probability=0.2), DropEvents(share=0.3))
    )


def test_bad_settings_are_refused() -> None:
    with pytest.raises(BadSetting, match=r"polarity flip: probability is -0\.1: it must be from 0 to 1"):
        PolarityFlip(probability=-0.1)
    for step, words in ((DropEvents, "drop events"), (DropTime, "drop time"), (DropArea, "drop area")):
        with pytest.raises(BadSetting, match=rf"{words}: share is 1\.5: it must be from 0 to 1"):
            step(share=1.5)
    with pytest.raises(BadSetting, match="random crop: padding is -2"):
        event_augmentation(shift=-2)
