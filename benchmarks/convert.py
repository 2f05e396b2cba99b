"""What does a conversion cost beside capturing the network, and beside running it once?

CPU seconds of `capture`, of one forward pass over the calibration images, of `convert` after capture (four timesteps,
thresholds from those images) and of finding the thresholds alone (15 levels, from histograms made before, a layer and a
channel), and the peak memory over that of the process before it, each network in a process of its own: ResNet-18 on
3×32×32, ResNet-50 and AlexNet on 3×224×224 (weights at random, no download), and a plain network of 200 layers.

    python benchmarks/convert.py [--threads 1] [--images 64] [--only resnet50 …] [--json FILE]
    git worktree add /tmp/before COMMIT && python benchmarks/convert.py … --before /tmp/before
With --before, each network is measured on that tree too, right after this one.
"""

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import spikewright as sw
from spikewright import models
from spikewright.conversion.observe import observe
from spikewright.conversion.thresholds import least_error_threshold
from spikewright.measure.speed.machine import processor

BATCH, LEVELS = 64, 15
COMPARED = ("capture_s", "convert_s", "thresholds_s", "thresholds_a_channel_s")


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions beside a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
            *(nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
            *(nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != 4 * width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
            )
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.body(x) + self.shortcut(x))


def resnet50() -> nn.Module:
    """ResNet-50 as He et al. 2015 have it, with the stride in the 3×3 convolution."""
    stem = (nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    layers, inputs = list[nn.Module](stem), 64
    for index, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for block in range(blocks):
            layers.append(Bottleneck(inputs, width, 2 if index and not block else 1))
            inputs = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000))


def alexnet() -> nn.Module:
    """AlexNet in the widths of "One weird trick", without dropout."""
    layers = [nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU()]
    layers += [nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1)]
    layers += [nn.ReLU(), nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten()]
    layers += [nn.Linear(256 * 36, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers)


def deep() -> nn.Module:
    """200 convolutions of 16 channels, each with batch norm and ReLU."""
    layers, inputs = list[nn.Module](), 3
    for _ in range(200):
        layers += [nn.Conv2d(inputs, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
        inputs = 16
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))


def resnet18() -> nn.Module:
    return models.build("resnet18", channels=3, size=(32, 32), classes=10, seed=0)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "resnet18": (resnet18, 32),
    "resnet50": (resnet50, 224),
    "alexnet": (alexnet, 224),
    "deep": (deep, 8),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--only", choices=NETWORKS, nargs="+", default=list(NETWORKS))
    parser.add_argument("--before", type=Path, help="another worktree of this repository")
    parser.add_argument("--json", type=Path)
    settings = parser.parse_args()
    rows: dict[str, dict[str, Any]] = {}
    for name in settings.only:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            rows[name] = pool.apply(measure, (name, settings.images, settings.threads))
        shown = "   ".join(f"{what} {number:8.2f}" for what, number in rows[name].items())
        print(f"{name:10} {shown}", flush=True)
        if settings.before is not None:
            there = elsewhere(settings.before.resolve(), name, settings.images, settings.threads)
            times = {each: there[each] / rows[name][each] for each in COMPARED}
            rows[name] |= {"before": there, "before_over_after": times}
    torch.set_num_threads(settings.threads)
    conditions = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": processor(),
        "torch": version("torch"),
        "images": settings.images,
        "images_a_batch": BATCH,
        "method": "exact, 4 timesteps, thresholds from these images",
        "seconds": "of the processor, over all threads",
    }
    if settings.json is not None:
        settings.json.write_text(json.dumps({"conditions": conditions, "rows": rows}, indent=1) + "\n")


def elsewhere(tree: Path, name: str, images: int, threads: int) -> dict[str, float]:
    """What `measure` finds in another tree."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "rows.json"
        line = [sys.executable, __file__, "--only", name, "--images", str(images), "--threads", str(threads)]
        environment = {**os.environ, "PYTHONPATH": str(tree / "src")}
        subprocess.run([*line, "--json", str(file)], check=True, env=environment)
        return json.loads(file.read_text())["rows"][name]


def measure(name: str, images: int, threads: int) -> dict[str, float]:
    """CPU seconds and megabytes of one network, in a fresh process."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    build, size = NETWORKS[name]
    model = build().train()
    with torch.no_grad():
        model(torch.randn(8, 3, size, size))  # running statistics, so that activations have sensible ranges
    model.eval()
    x = torch.randn(images, 3, size, size)
    batches = list(x.split(BATCH))
    sw.convert(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.rand(2, 4))  # imports, which are paid once
    found: dict[str, float] = {}
    source: Any = _timed(found, "capture_s", lambda: sw.capture(model, x[:2]))
    _timed(found, "forward_s", lambda: [model(batch) for batch in batches])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _timed(found, "convert_s", lambda: sw.convert(source, batches, timesteps=4, calibration=images))
    found["convert_over_forward"] = found["convert_s"] / found["forward_s"]
    found["peak_before_convert_mb"] = before / 1024
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seen = observe(source, batches)
    histograms = [seen[node.name] for node in source.activations]

    def thresholds(*, per_channel: bool) -> object:
        return [least_error_threshold(one, LEVELS, per_channel=per_channel) for one in histograms]

    _timed(found, "thresholds_s", lambda: thresholds(per_channel=False))
    _timed(found, "thresholds_a_channel_s", lambda: thresholds(per_channel=True))
    return found


def _timed(found: dict[str, float], name: str, run: Callable[[], object]) -> object:
    began = time.process_time()
    with torch.no_grad():
        made = run()
    found[name] = time.process_time() - began
    return made


if __name__ == "__main__":
    main()
