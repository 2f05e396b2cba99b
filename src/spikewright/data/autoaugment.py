"""AutoAugment policies through kornia, the one augmentation with a dependency of its own (extra `augment`).

Source: Cubuk et al., "AutoAugment: Learning Augmentation Policies from Data", https://arxiv.org/abs/1805.09501
"""

import importlib
import importlib.util
from dataclasses import dataclass

import torch
from torch import Tensor

from spikewright.errors import BadSetting

POLICIES = ("cifar10", "imagenet", "svhn")


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoAugment:
    """One randomly chosen sub-policy for each image of a batch.

    Raises:
        BadSetting: the policy is not known, or kornia is not installed.

    """

    policy: str = "cifar10"

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise BadSetting(f"autoaugment: policy '{self.policy}' is not known: choose {', '.join(POLICIES)}")
        if importlib.util.find_spec("kornia") is None:
            raise BadSetting("autoaugment: kornia is not installed: pip install spikewright[augment]")

    def __call__(self, images: Tensor, *, generator: torch.Generator) -> Tensor:
        """Change images [N, C, H, W]: uint8, or float from 0 to 1."""
        kornia = importlib.import_module("kornia.augmentation.auto")
        seed = int(torch.randint(2**63 - 1, (1,), generator=generator))
        x = images.to(torch.float32) / 255 if images.dtype == torch.uint8 else images
        # kornia draws from torch's global generator: seed that from ours and put it back
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            x = kornia.AutoAugment(self.policy)(x).clamp(0, 1)
        return (x * 255).round().to(torch.uint8) if images.dtype == torch.uint8 else x
