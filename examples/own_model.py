"""Your own network as spikes: train it in plain PyTorch, capture it, convert it without training, verify it.

    python examples/own_model.py          seconds, on the digits that come with scikit-learn

It leaves a run folder for the command line (`spikewright verify runs/own_model`), and the trained weights,
runs/own_model.safetensors, for docs/convert_your_model.md.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

import spikewright as sw

OUT = Path("runs/own_model")


class OwnNet(nn.Module):
    """Nothing in here knows of spikewright: a shortcut, a functional ReLU, a max pool, a dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 24, 3, padding=1)
        self.norm = nn.BatchNorm2d(24)
        self.inner = nn.Conv2d(24, 24, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(24 * 4 * 4, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Map images [N, 1, 8, 8] to logits [N, 10]."""
        x = torch.relu(self.norm(self.stem(x)))
        x = F.relu(self.inner(x) + x)
        return self.head(self.dropout(self.pool(x).flatten(1)))


def train(model: nn.Module, x: Tensor, y: Tensor, *, epochs: int = 15) -> None:
    """Train as one always does; use your own loop here."""
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    model.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(64):
            optimiser.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimiser.step()
    model.eval()


def accuracy(network: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of right answers."""
    with torch.no_grad():
        return float((network(x).argmax(1) == y).float().mean())


def main() -> None:
    """Train, capture, convert, verify, save."""
    torch.manual_seed(0)
    digits = sw.data.load("digits")
    x, y = digits.preparation(torch.tensor(digits.train.images)), torch.tensor(digits.train.labels)
    test_x, test_y = digits.preparation(torch.tensor(digits.test.images)), torch.tensor(digits.test.labels)
    model = OwnNet()
    train(model, x, y)

    source = sw.capture(model, test_x[:2], preparation=digits.preparation)
    network = sw.convert(source, x, method=sw.Exact(timesteps=4))  # 512 training images set the thresholds
    certificate = sw.verify(network, source, test_x)

    print(f"source {accuracy(model, test_x, test_y):.2%}, spiking {accuracy(network, test_x, test_y):.2%}")  # noqa: T201
    print(certificate.line())  # noqa: T201
    sw.save(OUT, network, source, about={"data": "digits"})
    save_file(model.state_dict(), OUT.with_suffix(".safetensors"))
    if not certificate.equal:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
