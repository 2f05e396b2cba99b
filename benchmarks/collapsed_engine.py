"""Does an exact spiking network cost what its own ReLU network costs?

One run, medians of paired rounds: the collapsed engine at T = 1..8 (codes of every stage, as bytes, and spike counts
returned) against the same network with folded batch norm and ReLU, both eager and both compiled, in float32,
channels last, batch 64; and the stepwise engine beside them.

    python benchmarks/collapsed_engine.py [--threads 2] [--rounds 15] [--json FILE]
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.ops.products import Conv, Linear
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import observe
from spikewright.engines.network import SpikingNetwork, build
from spikewright.engines.record import StageRecord
from spikewright.snn.nodes import Stage

WIDTHS = (64, 64, "pool", 128, 128, "pool", 256, 256, "pool", 512, 512, "pool")


def vgg_like() -> nn.Module:
    """Eight convolutions with batch norm and average pooling on 3×32×32, as VGG."""
    layers: list[nn.Module] = []
    channels = 3
    for width in WIDTHS:
        if isinstance(width, str):
            layers.append(nn.AvgPool2d(2))
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * 4, 10))


def folded_relu(network: SpikingNetwork) -> nn.Module:
    """The source's ReLU network with batch norm folded: the plan's own weights and biases, ReLU in place of firing."""
    layers: list[nn.Module] = []
    for node in network.plan.nodes:
        weight, bias = network.blueprint.array(node, "weight"), network.blueprint.array(node, "bias")
        if isinstance(node.op, Conv):
            layer = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
        elif isinstance(node.op, Linear):
            layer = nn.Linear(weight.shape[1], weight.shape[0])
        else:
            layers.append(nn.AvgPool2d(2) if node.op.kind == "average_pool" else nn.Flatten())
            continue
        layer.weight.data, layer.bias.data = weight.float(), bias.float().flatten()
        layers.append(layer)
        if isinstance(node, Stage):
            layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def everything(network: SpikingNetwork) -> Callable[[Tensor], list[Tensor]]:
    """The collapsed engine, with every stage's codes and spikes per sample, and the read-out."""

    def run(x: Tensor) -> list[Tensor]:
        found: list[Tensor] = []
        for record in network.collapse(x):
            fired = isinstance(record, StageRecord)
            found.append(record.codes.to(torch.uint8) if fired else record.codes)
            if isinstance(record, StageRecord):
                found.append(record.spikes)
        return found

    return run


def stepwise(network: SpikingNetwork) -> Callable[[Tensor], None]:
    def run(x: Tensor) -> None:
        for _ in network.walk(x):
            pass

    return run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--eager-only", action="store_true")
    parser.add_argument("--json", type=Path)
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(0)
    model = vgg_like().train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(64, 3, 32, 32))
    source = capture(model.eval(), torch.randn(2, 3, 32, 32))
    seen = observe(source, [torch.randn(64, 3, 32, 32)])
    x = torch.randn(settings.batch, 3, 32, 32).to(memory_format=torch.channels_last)

    def converted(timesteps: int) -> SpikingNetwork:
        return build(Exact(timesteps=timesteps)(source, seen)).to(memory_format=torch.channels_last)

    network = converted(4)
    relu = folded_relu(network).eval().to(memory_format=torch.channels_last)
    runs: dict[str, Callable[[Tensor], object]] = {"relu, eager": relu, "collapsed T=4, eager": everything(network)}
    if not settings.eager_only:
        runs["relu, compiled"] = torch.compile(relu)
        runs["collapsed T=4, compiled"] = torch.compile(everything(network))
        for timesteps in (1, 2, 3, 5, 6, 7, 8):
            runs[f"collapsed T={timesteps}, compiled"] = torch.compile(everything(converted(timesteps)))
    runs["stepwise T=4, eager"] = stepwise(network)
    times = measure(runs, x, settings.rounds)
    report(times, settings)


def measure(runs: dict[str, Callable[[Tensor], object]], x: Tensor, rounds: int) -> dict[str, list[float]]:
    """Seconds of each run, one after the other in every round, so that noise falls on all alike."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    torch._dynamo.config.cache_size_limit = 64
    with torch.inference_mode():
        for name, run in runs.items():
            began = time.perf_counter()
            for _ in range(2):
                run(x)
            print(f"warm-up {name}: {time.perf_counter() - began:.1f} s", flush=True)
        for _ in range(rounds):
            for name, run in runs.items():
                began = time.perf_counter()
                run(x)
                times[name].append(time.perf_counter() - began)
    return times


def report(times: dict[str, list[float]], settings: argparse.Namespace) -> None:
    rows = {}
    for name, seconds in times.items():
        base = "relu, compiled" if "compiled" in name else "relu, eager"
        ratios = sorted(a / b for a, b in zip(seconds, times[base], strict=True))
        quarter = len(ratios) // 4
        rows[name] = {
            "milliseconds": 1000 * statistics.median(seconds),
            "ratio": statistics.median(ratios),
            "ratio_quartiles": [ratios[quarter], ratios[-1 - quarter]],
            "against": base,
        }
        print(f"{name:28} {rows[name]['milliseconds']:8.1f} ms   {rows[name]['ratio']:5.2f} × {base}")
    conditions = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "batch": settings.batch,
        "rounds": settings.rounds,
        "network": f"VGG-like {WIDTHS}, 3×32×32, float32, channels last",
    }
    if settings.json is not None:
        settings.json.write_text(json.dumps({"conditions": conditions, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
