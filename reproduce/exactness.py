"""Error-free conversion ("When SNN meets ANN", §5, Proposition II), checked on whole networks: 0 mismatching codes.

Random weights with calibrated batch norm, thresholds by least quantisation error; every integer code of the
stepwise and the collapsed engine against the independent float64 reference, for T = 1..8.

    python reproduce/exactness.py [--images 64] [--only vgg16,…]     → reproduce/exactness.json
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from conditions import conditions
from torch import Tensor, nn

from spikewright import models
from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import Statistics, observe
from spikewright.data.files import write_json
from spikewright.measure.equality.certificate import verify

SHAPE = (3, 32, 32)
SEED = 0


class DenseNet(nn.Module):
    """Concatenation, then batch norm, ReLU and convolution, as DenseNet; with a transition by average pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 3, padding=1)
        self.blocks = nn.ModuleList()
        channels = 24
        for _ in range(2):
            layers = nn.ModuleList()
            for _ in range(4):
                layers.append(nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, 12, 3, padding=1)))
                channels += 12
            transition = nn.Sequential(
                nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1), nn.AvgPool2d(2)
            )
            self.blocks.append(nn.ModuleList([layers, transition]))
        self.head = nn.Sequential(
            nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for layers, transition in self.blocks:
            for layer in layers:
                x = torch.cat([x, layer(x)], 1)
            x = transition(x)
        return self.head(x)


def norm_before_padding() -> nn.Module:
    """Batch norm before zero-padded convolutions: folding it into them would be wrong at the border."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, padding=1), nn.ReLU()]
    for _ in range(4):
        layers += [nn.BatchNorm2d(64), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AvgPool2d(4), nn.Flatten(), nn.Linear(64 * 64, 10))


def norm_after_pool() -> nn.Module:
    """Convolution, max pool, batch norm, ReLU: with negative gains the order of pool and norm matters."""
    layers: list[nn.Module] = []
    channels = 3
    for width in (96, 128, 160):
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.MaxPool2d(3, 2, 1), nn.BatchNorm2d(width), nn.ReLU()]
        layers += [nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def library(name: str, **settings: str) -> Callable[[], nn.Module]:
    return lambda: models.build(name, channels=3, size=SHAPE[1:], classes=10, seed=SEED, **settings)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "batch norm before padded convolution": norm_before_padding,
    "batch norm after max pool, negative gains": norm_after_pool,
    "densenet-like": DenseNet,
    "vgg16": library("vgg16"),
    "vgg16, max pooling": library("vgg16", pool="max"),
    "resnet18": library("resnet18"),
    "mobilenetv2": library("mobilenetv2"),
    "resnet34": library("resnet34"),
}


def prepared(factory: Callable[[], nn.Module]) -> tuple[Source, list[Tensor], Tensor]:
    """The captured network, calibration inputs, and a generator's worth of fresh inputs."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    module = factory()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5, generator=generator)
            nn.init.normal_(part.bias, 0.0, 0.2, generator=generator)
            flip = torch.rand(part.weight.shape, generator=generator) < 0.3
            part.weight.data[flip] *= -1
            part.momentum = None  # the plain mean over the calibration batches
    module.train()
    with torch.no_grad():
        for _ in range(4):
            module(torch.randn(32, *SHAPE, generator=generator))
    source = capture(module.eval(), torch.randn(2, *SHAPE, generator=generator))
    return (
        source,
        [torch.randn(32, *SHAPE, generator=generator) for _ in range(2)],
        torch.randn(512, *SHAPE, generator=generator),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--codes", type=int, default=10**7, help="codes a network and T, at least")
    parser.add_argument(
        "--timesteps", type=lambda text: [int(part) for part in text.split(",")], default=list(range(1, 9))
    )
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(NETWORKS))
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    settings = parser.parse_args()
    began = time.monotonic()
    earlier = json.loads(settings.out.read_text()) if settings.out.is_file() else {"rows": [], "minutes": 0}
    rows = earlier["rows"]
    done = {(row["network"], row["timesteps"]) for row in rows}
    for name in settings.only:
        missing = [timesteps for timesteps in settings.timesteps if (name, timesteps) not in done]
        if not missing:
            continue
        source, calibration, inputs = prepared(NETWORKS[name])
        seen = observe(source, calibration)
        for timesteps in missing:
            rows.append({"network": name, "timesteps": timesteps, **compare(source, seen, inputs, timesteps, settings)})
            print(name, timesteps, rows[-1], f"{time.monotonic() - began:.0f} s", flush=True)
            # after every row, so that an interrupted run goes on where it was
            write_json(settings.out, result(rows, began, earlier["minutes"]))


def compare(
    source: Source, seen: Statistics, inputs: Tensor, timesteps: int, settings: argparse.Namespace
) -> dict[str, object]:
    """One certificate, on enough images for the number of codes asked for."""
    blueprint = Exact(timesteps=timesteps)(source, seen)
    per_image = sum(math.prod(node.shape) for node in blueprint.plan.stages)
    images = max(settings.images, math.ceil(settings.codes / per_image))
    found = verify(blueprint, source, inputs[:images].split(8))
    return {
        "images": found.images,
        "codes": found.codes_total,
        "mismatched_stepwise": found.mismatched_codes_stepwise,
        "mismatched_collapsed": found.mismatched_codes_collapsed,
        "proven": found.proven,
        "within_bound": found.within_bound,
        "smallest_distance": found.smallest_distance,
        "largest_bound": found.largest_bound,
        "least_active_share": min(row.active_share for row in found.stages),
    }


def result(rows: list[dict], began: float, minutes_before: float) -> dict[str, object]:
    """The file's content."""
    made = conditions(began, seeds=[SEED])
    made["minutes"] = round(made["minutes"] + minutes_before, 1)
    return {
        "shows": "Proposition II: the spiking network equals its quantised source, code for code",
        "against_print": "the paper claims equality; its formulas as printed do not give it (as_printed.json)",
        **made,
        "rows": sorted(rows, key=lambda row: (list(NETWORKS).index(row["network"]), row["timesteps"])),
    }


if __name__ == "__main__":
    main()
