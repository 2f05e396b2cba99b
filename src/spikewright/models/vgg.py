"""VGG networks with batch norm: stages of 3x3 convolutions, a pooling after each, one linear read-out.

VGG-16 has thirteen convolutions and five poolings, for images from 32x32; VGGSNN, common for event cameras, has eight
and four, for images from 16x16, and reads out the mean of each channel over what is left of the image, or all of it.
Average pooling by default, as in the conversion literature: a mean of spikes is linear in them.

Source: Simonyan & Zisserman, "Very Deep Convolutional Networks", https://arxiv.org/abs/1409.1556; VGGSNN: Deng et al.,
"Temporal Efficient Training of Spiking Neural Network", https://arxiv.org/abs/2202.11946. Q-SNNs has both in Table 2,
for 3x32x32 images and 10 classes, where VGGSNN's read-out has 512 inputs and not the 2,048 of four poolings: so the
last one must be over the whole image, which is the default here. The VGG16 of its Table 1 is VGGSNN.
"""

from torch import Tensor, nn

from spikewright.errors import BadModel, BadSetting
from spikewright.models.initialise import he_normal

VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
VGGSNN = ((64, 128), (256, 256), (512, 512), (512, 512))
READOUTS = ("mean", "all")
POOLS: dict[str, type[nn.Module]] = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}


class Vgg(nn.Module):
    """Stages of conv-BN-ReLU, each closed by a pooling by two.

    Raises:
        BadModel: the last pooling would leave nothing of the images.
        BadSetting: a pooling or read-out that is not known.
    """

    def __init__(
        self,
        name: str,
        stages: tuple[tuple[int, ...], ...],
        pool: str,
        *,
        readout: str = "all",
        channels: int,
        size: tuple[int, int],
        classes: int,
    ) -> None:
        super().__init__()
        if pool not in POOLS:
            raise BadSetting(f"model '{name}': pool is '{pool}', but must be one of {', '.join(POOLS)}")
        if readout not in READOUTS:
            raise BadSetting(f"model '{name}': readout is '{readout}', but must be one of {', '.join(READOUTS)}")
        shrink = 2 ** len(stages)
        if min(size) < shrink:
            raise BadModel(
                f"model '{name}': images of {size[0]}x{size[1]} are too small: resize to {shrink}x{shrink} or more"
            )
        layers: list[nn.Module] = []
        inputs = channels
        for stage in stages:
            for width in stage:
                layers += [nn.Conv2d(inputs, width, kernel_size=3, padding=1, bias=False)]
                layers += [nn.BatchNorm2d(width), nn.ReLU()]
                inputs = width
            layers.append(POOLS[pool](2))
        places = (size[0] // shrink) * (size[1] // shrink)
        if readout == "mean":
            layers.append(nn.AdaptiveAvgPool2d(1))
            places = 1
        self.features = nn.Sequential(*layers)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(inputs * places, classes)
        he_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, C, H, W] to logits [N, classes]."""
        return self.classifier(self.flatten(self.features(images)))


def vgg16(*, channels: int, size: tuple[int, int], classes: int, pool: str = "average") -> nn.Module:
    """Build VGG-16; images must be at least 32x32, `pool` is "average" or "max"."""
    return Vgg("vgg16", VGG16, pool, channels=channels, size=size, classes=classes)


def vggsnn(
    *, channels: int, size: tuple[int, int], classes: int, pool: str = "average", readout: str = "mean"
) -> nn.Module:
    """Build VGGSNN; images must be at least 16x16.

    `pool` is "average" or "max"; `readout` is "mean" (512 inputs, as Q-SNNs counts) or "all" (each place its own).
    """
    return Vgg("vggsnn", VGGSNN, pool, readout=readout, channels=channels, size=size, classes=classes)


MODELS = (vgg16, vggsnn)
