"""AutoAugment: refused in one line without kornia; with it, as repeatable as the rest."""

import importlib.util

import pytest
import torch

from spikewright.data.autoaugment import AutoAugment
from spikewright.errors import BadSetting

needs_kornia = pytest.mark.skipif(
    importlib.util.find_spec("kornia") is None, reason="kornia is not installed (extra 'augment')"
)


def test_without_kornia_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadSetting, match=r"kornia is not installed: pip install spikewright\[augment\]"):
        AutoAugment()


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(BadSetting, match="policy 'cifar' is not known: choose cifar10, imagenet, svhn"):
        AutoAugment(policy="cifar")


@needs_kornia
def test_the_generator_decides_and_the_global_one_rests() -> None:
    images = torch.randint(0, 256, (16, 3, 32, 32), dtype=torch.uint8)
    state = torch.get_rng_state()
    first, again, other = (AutoAugment()(images, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert (first.shape, first.dtype) == (images.shape, torch.uint8)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, images)
