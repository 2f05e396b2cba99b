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
from spikewright.conversion.methods.percentile_norm import PercentileNorm
from spikewright.data import load
from spikewright.measure.cost.latency import latency_steps, timesteps_mean
from spikewright.training.ann.levels import initial_thresholds, with_levels
from spikewright.training.fit import fit
from spikewright.training.settings import TimestepSettings, TrainSettings

START = 4  # timesteps of every layer before training


def small_net() -> nn.Module:
    """Three convolutions with batch norm, a max pool, a read-out."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 16, 10),
    )  # fmt: skip


def learned(x: Tensor, test_x: Tensor, test_y: Tensor) -> bool:
    """Learn timesteps, convert, verify; returns whether the two networks are equal."""
    digits = load("digits")
    source = sw.capture(small_net(), x[:2], preparation=digits.preparation)
    # Levels to start from; α at a percentile of what fresh weights show, batch norm taking each batch's statistics
    source = with_levels(source, START, initial_thresholds(source, x[:512].split(128), percentile=99, calibrate=True))
    settings = TrainSettings(epochs=12, device="cpu", timesteps=TimestepSettings(target_timesteps=2.5))
    trained, report = fit(source, digits, settings)

    network = sw.convert(trained, method=sw.Qac())  # timesteps and thresholds are learned: no calibration images
    certificate = sw.verify(network, trained, test_x)
    plan = network.plan
    steps = ", ".join(str(node.firing.code.timesteps) for node in plan.stages)
    print(f"learned timesteps {steps}: mean {timesteps_mean(plan):.2f}, {latency_steps(plan)} steps to the result")  # noqa: T201
    print(f"source {report.accuracy_test:.2%}, spiking {accuracy(network, test_x, test_y):.2%}")  # noqa: T201
    print(certificate.line())  # noqa: T201
    return certificate.equal


def calibrated(x: Tensor, y: Tensor, test_x: Tensor, test_y: Tensor) -> None:
    """Convert a ReLU network by percentile norm, with calibration and without."""
    model = small_net()
    train(model, x, y, epochs=10)
    source = sw.capture(model, test_x[:2])
    method = PercentileNorm(timesteps=3)
    before = sw.convert(source, x, method=method)
    after = sw.convert(source, x, method=method, calibrators=[sw.Gradient(epochs=20)])
    found = [accuracy(network, test_x, test_y) for network in (model, before, after)]
    print("source {:.2%}, percentile norm at T = 3 {:.2%}, calibrated {:.2%}".format(*found))  # noqa: T201


def main() -> None:
    """Both parts."""
    torch.manual_seed(0)
    digits = load("digits")
    x, y = digits.preparation(torch.tensor(digits.train.images)), torch.tensor(digits.train.labels)
    test_x, test_y = digits.preparation(torch.tensor(digits.test.images)), torch.tensor(digits.test.labels)
    equal = learned(x, test_x, test_y)
    calibrated(x, y, test_x, test_y)
    if not equal:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
