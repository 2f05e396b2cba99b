"""Train a spiking network with 1-bit weights and 2-bit membranes in your own loop, freeze it, and run what was saved.

python examples/direct_training.py
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

import spikewright as sw

digits = load_digits()
images = torch.from_numpy(digits.images).float().unsqueeze(1) / 16
labels = torch.from_numpy(digits.target)
torch.manual_seed(0)
order = torch.randperm(len(images))
train, test = order[:1400], order[1400:]

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(32 * 16, 10),
)  # fmt: skip

network = sw.TrainingNetwork(
    sw.capture(model.eval(), images[:2]),
    sw.SpikingSettings(
        timesteps=2,
        neurons=sw.NeuronSettings(leak=0.5, reset="hard", membrane_bits=2),
        weights=sw.Binary(),
        edge_weights=sw.Uniform(bits=8),
    ),
).train()
optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
for _ in range(8):
    for batch in train[torch.randperm(len(train))].split(64):
        output = network(images[batch])  # [T, N, classes]
        loss = F.cross_entropy(output.flatten(0, 1), labels[batch].repeat(len(output)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

with TemporaryDirectory() as folder:
    sw.save(folder, sw.build(network.eval().freeze()), about={"data": "digits"})
    bytes_saved = (Path(folder) / "weights.safetensors").stat().st_size
    spiking, _ = sw.load(folder)
with torch.no_grad():
    scores = spiking(images[test])
    trained = network(images[test]).sum(0)
right = (scores.argmax(1) == labels[test]).double().mean()
print(f"accuracy {float(right):.2%}, {bytes_saved:,} bytes saved")  # noqa: T201
print(f"as trained and as saved: {int((scores.argmax(1) != trained.argmax(1)).sum())} answers differ")  # noqa: T201
