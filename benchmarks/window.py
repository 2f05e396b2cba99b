"""Does memory grow with the window? QCFS at T = 10 and 100: the read-out in slices of time, and the whole trains.

Each in a fresh process, float32, no gradients: growth of the high-water mark of the resident set over that after a
batch of one image, and the least processor time of so many runs. The read-outs of both ways are compared.

    python benchmarks/window.py [--rounds 5] [--json FILE]
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn

import spikewright as sw
from spikewright.engines.network import SpikingNetwork

WAYS = ("slices", "whole")


def readout(network: SpikingNetwork, x: Tensor, way: str) -> Tensor:
    if way == "slices":
        return network(x)
    *_, last = network.collapse(x)
    return last.codes


def measure(way: str, timesteps: int, rounds: int) -> dict[str, float]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    parts = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    model = nn.Sequential(*parts, nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 64, 10))
    x = torch.rand(32, 3, 16, 16)
    network = sw.convert(model.eval(), x, method="qcfs", timesteps=timesteps)
    seconds = []
    with torch.inference_mode():
        readout(network, x[:1], way)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(rounds):
            began = time.process_time()
            result = readout(network, x, way)
            seconds.append(time.process_time() - began)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        other = readout(network, x, next(one for one in WAYS if one != way))
    return {
        "peak_mb": grown * 1024 / 1e6,
        "cpu_seconds": min(seconds),
        "largest_difference": float((result - other).abs().max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=2, metavar=("WAY", "T"), help="measure one here and print it")
    settings = parser.parse_args()
    if settings.one:
        print(json.dumps(measure(settings.one[0], int(settings.one[1]), settings.rounds)))
        return
    found = {}
    for timesteps in (10, 100):
        for way in WAYS:
            command = [sys.executable, __file__, "--one", way, str(timesteps), "--rounds", str(settings.rounds)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            one = found[f"{way}, T = {timesteps}"] = json.loads(done.stdout)
            print(f"{way}, T = {timesteps}: {one['peak_mb']:.0f} MB, {one['cpu_seconds']:.2f} s")
    about = {"date": time.strftime("%Y-%m-%d"), "machine": platform.processor() or platform.machine(), "threads": 1}
    if settings.json is not None:
        settings.json.write_text(json.dumps({**about, "torch": torch.__version__, "results": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
