"""MobileNetV2 at width 1.0 for small images: inverted residuals with ReLU6 and linear bottlenecks.

The stem and the 24-channel stage keep the image's size (stride 1), as is usual for 32x32 images.

Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
https://arxiv.org/abs/1801.04381 (Table 2)
"""

from torch import Tensor, nn

from spikewright.models.initialise import he_normal

# (expansion, channels, repeats, stride of the first) of Table 2; stride 1 for 24 channels on small images
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM, LAST = 32, 1280


def _convolution(inputs: int, outputs: int, *, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    padding = kernel // 2
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs)]


class InvertedResidual(nn.Module):
    """Expand (1x1), filter each channel (3x3), project linearly (1x1); add the input if shapes agree."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers += [*_convolution(inputs, hidden, kernel=1), nn.ReLU6()]
        layers += [*_convolution(hidden, hidden, kernel=3, stride=stride, groups=hidden), nn.ReLU6()]
        self.layers = nn.Sequential(*layers, *_convolution(hidden, outputs, kernel=1))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, outputs, H / stride, W / stride]."""
        y = self.layers(x)
        return x + y if self.residual else y


class MobileNetV2(nn.Module):
    """A stem, seventeen inverted residuals, a 1x1 convolution to 1,280 channels and a linear read-out."""

    def __init__(self, *, channels: int, classes: int) -> None:
        super().__init__()
        layers = [*_convolution(channels, STEM, kernel=3), nn.ReLU6()]
        inputs = STEM
        for expansion, width, repeats, first in STAGES:
            for repeat in range(repeats):
                stride = first if repeat == 0 else 1
                layers.append(InvertedResidual(inputs, width, expansion=expansion, stride=stride))
                inputs = width
        layers += [*_convolution(inputs, LAST, kernel=1), nn.ReLU6()]
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(LAST, classes)
        he_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, C, H, W] to logits [N, classes]."""
        return self.classifier(self.flatten(self.pool(self.features(images))))


def mobilenetv2(*, channels: int, size: tuple[int, int], classes: int) -> nn.Module:  # noqa: ARG001
    """Build MobileNetV2 at width 1.0; the images may have any size."""
    return MobileNetV2(channels=channels, classes=classes)


MODELS = (mobilenetv2,)
