"""Struck slots of trains, against Python integers."""

import numpy as np
import pytest
import torch

from reliability.faults import slow
from reliability.faults.sites import STAGES, neurons_of
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults._slots import Slots, slots_patch


@pytest.mark.parametrize("fired", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_slots_like_python(fired: bool, dtype: torch.dtype) -> None:
    train = torch.randint(0, 2, (3, 4, 2, 3), generator=torch.Generator().manual_seed(3)).to(dtype)
    images, places, key = np.array([7, 0, 7, 123456789]), np.array([1, 2, 5]), 99
    expected = train.clone()
    for t, row, place in np.ndindex(3, 4, 6):
        faulty = slow.word(slow.word(key, int(images[row])), t * 6 + place) < 0.4 * 2**64
        if place in places and faulty and bool(train[t, row].flatten()[place] == int(fired)):
            expected[t, row, place // 3, place % 3] = 1 - int(fired)
    before = train.clone()
    odd = train.transpose(1, 2).contiguous().transpose(1, 2)  # another layout
    for given in (train, odd):
        found = Slots(places, key, 0.4, fired).train(given, images)
        assert torch.equal(found, expected)
        assert found.dtype == dtype
    assert torch.equal(train, before)
    assert not torch.equal(train, expected)


def test_stages_have_keys_of_their_own() -> None:
    draw = slow.SlowDraw(1, "model", 8)
    patch = slots_patch(STAGES, Draw(1, "model", 8), rate=0.5, fired=True)
    faults = [patch.stages[name] for name in ("conv", "fc")]  # nothing of the last may be struck
    assert [fault.key for fault in faults if isinstance(fault, Slots)] == [draw.key(), draw.key()]
    assert set(patch.stages) == {"conv", "fc"}
    assert patch.hits == len(neurons_of(STAGES))
    assert slots_patch(STAGES, Draw(1, "model", 8), rate=0.0, fired=True).stages == {}
