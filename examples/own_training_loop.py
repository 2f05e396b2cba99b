"""Levels in your own training loop: the clipped rounding as an activation, so that conversion loses nothing.

    python examples/own_training_loop.py          seconds, on the digits that come with scikit-learn

    a = θ · ⌊L·clip(z/θ, 0, 1) + ½⌋ / L,   with a gradient for z and for θ
At T = 4 the spiking network has 15 levels; trained with the same 15, it equals the network as trained.
"""

import torch
from own_model import accuracy, train
from torch import Tensor, nn

import spikewright as sw

LEVELS = 15


class Rounded(nn.Module):
    """A ReLU with levels; θ is trained."""

    def __init__(self, threshold: float = 4.0) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(threshold))

    def forward(self, z: Tensor) -> Tensor:
        """Round z to one of LEVELS + 1 values in 0..θ; any shape."""
        return sw.clipped_round(z, self.threshold, LEVELS)


def main() -> None:
    """Train with levels, convert, verify."""
    torch.manual_seed(0)
    digits = sw.data.load("digits")
    x, y = digits.preparation(torch.tensor(digits.train.images)), torch.tensor(digits.train.labels)
    test_x, test_y = digits.preparation(torch.tensor(digits.test.images)), torch.tensor(digits.test.labels)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), Rounded(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), Rounded(), nn.Flatten(), nn.Linear(32 * 16, 10),
    )  # fmt: skip
    train(model, x, y)

    source = sw.capture(model, test_x[:2])
    network = sw.convert(source, method=sw.Exact(timesteps=4))  # θ is trained: no calibration images
    certificate = sw.verify(network, source, test_x)

    print(f"source {accuracy(model, test_x, test_y):.2%}, spiking {accuracy(network, test_x, test_y):.2%}")  # noqa: T201
    print(certificate.line())  # noqa: T201
    if not certificate.equal:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
