"""Residual networks for small images: a 3x3 stem without pooling, basic blocks, global average pooling.

ResNet-20 has 16/32/64 channels and three blocks a stage; ResNet-18 and -34 have 64 to 512 channels, and ResNet-19, the
one of directly trained spiking networks, 128/256/512 in blocks of 3/3/2. Where the shape changes the shortcut is a 1x1
convolution with batch norm.

Source: He et al., "Deep Residual Learning for Image Recognition", https://arxiv.org/abs/1512.03385; ResNet-19: Zheng et
al., "Going Deeper With Directly-Trained Larger Spiking Neural Networks", https://arxiv.org/abs/2011.05280, which ends
in two linear layers. Here there is one, as in Q-SNNs, whose Table 2 fits no other count.
"""

from torch import Tensor, nn

from spikewright.models.initialise import he_normal


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, joined before the last ReLU."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, outputs, H / stride, W / stride]."""
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu2(y + self.shortcut(x))


class ResNet(nn.Module):
    """A stem, stages of basic blocks (each after the first halves the image), and a linear read-out."""

    def __init__(self, widths: tuple[int, ...], blocks: tuple[int, ...], *, channels: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, widths[0], kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU()
        layers: list[nn.Module] = []
        inputs = widths[0]
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            for block in range(count):
                layers.append(BasicBlock(inputs, width, stride=2 if stage > 0 and block == 0 else 1))
                inputs = width
        self.layers = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(inputs, classes)
        he_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, C, H, W] to logits [N, classes]."""
        x = self.layers(self.relu(self.bn1(self.conv1(images))))
        return self.classifier(self.flatten(self.pool(x)))


def resnet18(*, channels: int, size: tuple[int, int], classes: int) -> nn.Module:  # noqa: ARG001
    """Build ResNet-18 with a 3x3 stem; the images may have any size."""
    return ResNet((64, 128, 256, 512), (2, 2, 2, 2), channels=channels, classes=classes)


def resnet19(*, channels: int, size: tuple[int, int], classes: int) -> nn.Module:  # noqa: ARG001
    """Build the ResNet-19 of Q-SNNs; the images may have any size."""
    return ResNet((128, 256, 512), (3, 3, 2), channels=channels, classes=classes)


def resnet20(*, channels: int, size: tuple[int, int], classes: int) -> nn.Module:  # noqa: ARG001
    """Build the CIFAR ResNet-20; the images may have any size."""
    return ResNet((16, 32, 64), (3, 3, 3), channels=channels, classes=classes)


def resnet34(*, channels: int, size: tuple[int, int], classes: int) -> nn.Module:  # noqa: ARG001
    """Build ResNet-34 with a 3x3 stem; the images may have any size."""
    return ResNet((64, 128, 256, 512), (3, 4, 6, 3), channels=channels, classes=classes)


MODELS = (resnet18, resnet19, resnet20, resnet34)
