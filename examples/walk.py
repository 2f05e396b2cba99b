"""A walk through spikewright from Python: convert, verify, evaluate, inject, save, load; `sw` is all that is imported.

python examples/walk.py          seconds, on the digits that come with scikit-learn
"""

import tempfile

import torch
from torch import nn

import spikewright as sw


def main() -> None:
    """Train a plain network, then go from verb to verb."""
    torch.manual_seed(0)
    digits = sw.data.load("digits")
    x, y = digits.preparation(torch.tensor(digits.train.images)), torch.tensor(digits.train.labels)
    test = digits.preparation(torch.tensor(digits.test.images)), torch.tensor(digits.test.labels)
    model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144, 10))
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimiser.step()

    network = sw.convert(model.eval(), x, method="exact", timesteps=4)
    print(network)  # noqa: T201
    print(sw.verify(network, model, test[0]))  # noqa: T201
    figures = sw.evaluate(network, model, test)
    print(f"{figures.accuracy_source:.2%} as trained, {figures.accuracy_snn:.2%} in spikes")  # noqa: T201
    print(f"{sw.evaluate(network, model, test, engine='int8').accuracy_snn:.2%} on bytes")  # noqa: T201

    faulty = sw.inject(network, test, fault="bit_flip", ber=1e-2, maps=20)
    print(f"{faulty.rows[0].accuracies.mean():.2%} with one bit in a hundred flipped")  # noqa: T201
    print(sw.faults)  # noqa: T201

    with tempfile.TemporaryDirectory() as folder:
        sw.save(folder, network, sw.capture(model, test[0][:2]))
        again, source = sw.load(folder)
        assert source is not None
        assert torch.equal(again(test[0]), network(test[0]))
        print(source)  # noqa: T201


if __name__ == "__main__":
    main()
