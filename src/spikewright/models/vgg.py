"""VGG-16 with batch norm for 32x32 images: thirteen 3x3 convolutions, five poolings, one linear read-out.

Average pooling by default, as in the conversion literature: a mean of spikes is linear in them.

Source: Simonyan & Zisserman, "Very Deep Convolutional Networks", https://arxiv.org/abs/1409.1556
"""

from torch import Tensor, nn

from spikewright.errors import BadModel, BadSetting
from spikewright.models.initialise import he_normal

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
POOLS: dict[str, type[nn.Module]] = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}
SHRINK = 2 ** len(STAGES)


class Vgg(nn.Module):
    """Stages of conv-BN-ReLU, each closed by a pooling by two."""

    def __init__(self, pool: type[nn.Module], *, channels: int, size: tuple[int, int], classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = channels
        for stage in STAGES:
            for width in stage:
                layers += [nn.Conv2d(inputs, width, kernel_size=3, padding=1, bias=False)]
                layers += [nn.BatchNorm2d(width), nn.ReLU()]
                inputs = width
            layers.append(pool(2))
        self.features = nn.Sequential(*layers)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(inputs * (size[0] // SHRINK) * (size[1] // SHRINK), classes)
        he_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, C, H, W] to logits [N, classes]."""
        return self.classifier(self.flatten(self.features(images)))


def vgg16(*, channels: int, size: tuple[int, int], classes: int, pool: str = "average") -> nn.Module:
    """Build VGG-16; images must be at least 32x32, `pool` is "average" or "max"."""
    if pool not in POOLS:
        raise BadSetting(f"model 'vgg16': pool is '{pool}', but must be one of {', '.join(POOLS)}")
    if min(size) < SHRINK:
        raise BadModel(f"model 'vgg16': images of {size[0]}x{size[1]} are too small: resize to 32x32 or more")
    return Vgg(POOLS[pool], channels=channels, size=size, classes=classes)


MODELS = (vgg16,)
