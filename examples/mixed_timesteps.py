"""Mixed timesteps, learned and converted exactly; and a percentile-norm network, calibrated.

    python examples/mixed_timesteps.py          seconds, on the digits that come with scikit-learn

1. Each layer learns its own number of timesteps, down to a mean of 2.5. Qac makes spikes of it; the spiking network
   equals the network as trained.
2. A plain ReLU network, converted by percentile norm at T = 3, loses accuracy. Calibration moves its thresholds and
   initial potentials and leaves its weights alone.
"""

import torch
from own_model import accuracy, train
from torch import Tensor, nn

import spikewright as sw


def small_net() -> nn.Module:
    """Three convolutions with batch norm, a max pool, a read-out."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 16, 10),
    )  # fmt: skip


def learned(test_x: Tensor, test_y: Tensor) -> bool:
    """Learn timesteps, convert, verify; returns whether the two networks are equal."""
    timesteps = sw.TimestepSettings(target_timesteps=2.5)  # every layer starts at 4
    trained, report = sw.train(small_net(), "digits", epochs=12, device="cpu", timesteps=timesteps)

    network = sw.convert(trained, method=sw.Qac())  # timesteps and thresholds are learned: no calibration images
    certificate = sw.verify(network, trained, test_x)
    mean, latency = sw.measure.timesteps_mean(network.plan), sw.measure.latency_steps(network.plan)
    print(f"{network}: mean T {mean:.2f}, {latency} steps to the result")  # noqa: T201
    print(f"source {report.accuracy_test:.2%}, spiking {accuracy(network, test_x, test_y):.2%}")  # noqa: T201
    print(certificate.line())  # noqa: T201
    return certificate.equal


def calibrated(x: Tensor, y: Tensor, test_x: Tensor, test_y: Tensor) -> None:
    """Convert a ReLU network by percentile norm, with calibration and without."""
    model = small_net()
    train(model, x, y, epochs=10)
    source = sw.capture(model, test_x[:2])
    method = sw.methods.PercentileNorm(timesteps=3)
    before = sw.convert(source, x, method=method)
    after = sw.convert(source, x, method=method, calibrators=[sw.Gradient(epochs=20)])
    found = [accuracy(network, test_x, test_y) for network in (model, before, after)]
    print("source {:.2%}, percentile norm at T = 3 {:.2%}, calibrated {:.2%}".format(*found))  # noqa: T201


def main() -> None:
    """Both parts."""
    torch.manual_seed(0)
    digits = sw.data.load("digits")
    x, y = digits.preparation(torch.tensor(digits.train.images)), torch.tensor(digits.train.labels)
    test_x, test_y = digits.preparation(torch.tensor(digits.test.images)), torch.tensor(digits.test.labels)
    equal = learned(test_x, test_y)
    calibrated(x, y, test_x, test_y)
    if not equal:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
