"""Frames of events: the sample's own time axis comes first."""

import pytest
import torch

from spikewright.errors import BadData, BadSetting
from spikewright.snn.encoders.frames import Frames


def test_frame_t_of_a_sample_is_its_step_t() -> None:
    x = torch.arange(2 * 3 * 4).reshape(2, 3, 4).float()
    train = Frames(3)(x)
    assert train.shape == (3, 2, 4)
    for step in range(3):
        for sample in range(2):
            assert train[step, sample].tolist() == x[sample, step].tolist()


@pytest.mark.parametrize(
    ("shape", "words"),
    [((2, 4, 5), "takes 3 frames a sample, got 4 frames"), ((2,), "takes 3 frames a sample, got no time axis")],
)
def test_another_number_of_frames(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(BadData, match=words):
        Frames(3)(torch.zeros(shape))


def test_no_steps() -> None:
    with pytest.raises(BadSetting, match="at least 1"):
        Frames(0)


def test_a_frame_may_be_a_single_number() -> None:
    import torch

    x = torch.arange(10.0).reshape(5, 2)
    assert torch.equal(Frames(2)(x), x.T)
