"""A small convolutional network for 8x8 to 64x64 images: conv-BN-ReLU, max pooling, one linear read-out.

About 75,000 parameters; an epoch of 60,000 images takes seconds on two cores.

Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998 (the plan), with batch
norm after Ioffe & Szegedy, https://arxiv.org/abs/1502.03167
"""

from torch import Tensor, nn

from spikewright.errors import BadModel
from spikewright.models.initialise import he_normal

SMALLEST = 8  # three poolings by two


def _block(inputs: int, outputs: int) -> list[nn.Module]:
    # the batch norm brings the bias
    convolution = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]


class SmallCnn(nn.Module):
    """16, 32, 32, 64, 64 channels of 3x3 convolutions; max pooling after the first, third and fifth."""

    def __init__(self, *, channels: int, size: tuple[int, int], classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_block(channels, 16),
            nn.MaxPool2d(2),
            *_block(16, 32),
            *_block(32, 32),
            nn.MaxPool2d(2),
            *_block(32, 64),
            *_block(64, 64),
            nn.MaxPool2d(2),
        )
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(64 * (size[0] // 8) * (size[1] // 8), classes)
        he_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, C, H, W] to logits [N, classes]."""
        return self.classifier(self.flatten(self.features(images)))


def cnn(*, channels: int, size: tuple[int, int], classes: int) -> nn.Module:
    """Build the small network; images must be at least 8x8."""
    if min(size) < SMALLEST:
        raise BadModel(f"model 'cnn': images of {size[0]}x{size[1]} are too small: resize to 8x8 or more")
    return SmallCnn(channels=channels, size=size, classes=classes)


MODELS = (cnn,)
