"""What do real bits buy? Packed 1-bit kernels, and ResNet19 (1-bit weights, 2-bit membranes), against float32.

One run, one thread, medians of paired rounds. Ratios are of processor time of the thread, as other work on the machine
falls on long runs harder than on short ones; wall time is beside it.

    linear       4096 → 4096 on 0/1 spikes, packing included, against float32 `linear`
    convolution  3×3, 256 → 256 on 16×16, packing included, against float32 `conv2d`, in either memory layout
    network      ResNet19 on 3×32×32, T = 2, from its folder, against the collapsed engine in float32, either layout;
                 spikes of all stages and read-outs are compared first, and have to be equal bit for bit
    memory       growth of the resident set while a fresh process loads that folder and runs one batch: its high-water
                 mark, set back by the kernel, less what it was when everything had been imported and a small network
                 had been run, freed memory returned (Linux). Beside it what weights and their constants occupy
    folder       bytes of weights.safetensors, item by item, against `metrics/footprint.py`

    python benchmarks/packed.py [--rounds 15] [--only linear] [--json FILE]
"""

import argparse
import ctypes
import json
import platform
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.ann.capture.capture import capture
from spikewright.engines.network import build
from spikewright.engines.packed import sums as kernels
from spikewright.interchange.run_folder import load_blueprint, load_packed, save_blueprint
from spikewright.measure.cost.footprint import FootprintSettings, footprint
from spikewright.models.resnet import ResNet, resnet19
from spikewright.snn.formats.packing import pack
from spikewright.training.snn.network import TrainingNetwork
from spikewright.training.snn.recipes import options, spiking_training

Times = dict[str, list[tuple[float, float]]]  # processor and wall seconds of each round


def measure(runs: dict[str, Callable[[], object]], rounds: int, repeats: int = 1) -> Times:
    """Each run, one after the other in every round; short ones so often that most find their own data in the cache."""
    times: Times = {name: [] for name in runs}
    with torch.inference_mode():
        for index in range(rounds + 2):
            for name, run in runs.items():
                began, wall = time.thread_time(), time.perf_counter()
                for _ in range(repeats):
                    run()
                if index > 1:  # two to warm up
                    took = (time.thread_time() - began) / repeats, (time.perf_counter() - wall) / repeats
                    times[name].append(took)
    return times


def summary(times: Times, ours: str) -> dict[str, object]:
    """Milliseconds of all, and how many times faster ours is than each of the others."""
    found: dict[str, object] = {}
    for name, seconds in times.items():
        row: dict[str, object] = {
            "milliseconds": 1000 * statistics.median(cpu for cpu, _ in seconds),
            "milliseconds_wall": 1000 * statistics.median(wall for _, wall in seconds),
        }
        if name != ours:
            for label, which in (("times_as_long", 0), ("times_as_long_wall", 1)):
                ratios = sorted(a[which] / b[which] for a, b in zip(seconds, times[ours], strict=True))
                quarter = len(ratios) // 4
                row[label] = statistics.median(ratios)
                row[f"{label}_quartiles"] = [ratios[quarter], ratios[-1 - quarter]]
        found[name] = row
        print(f"  {name:28} {row['milliseconds']:9.3f} ms  {row.get('times_as_long', 1):6.2f} ×", flush=True)
    return found


def signs(*shape: int) -> tuple[Tensor, np.ndarray]:
    """Random ±1 as int8 and as words."""
    weight = torch.where(torch.rand(shape) < 0.5, 1, -1).to(torch.int8)
    places = weight[0, 0].numel()
    words = np.empty((shape[0], places * kernels.words_of(shape[1])), np.uint64)
    kernels.arrange(pack(weight, 1).numpy(), shape[1], places, words)
    return weight, words


def linear(batch: int, rounds: int) -> dict[str, object]:
    weight, words = signs(4096, 4096)
    floating, x = weight.float(), (torch.rand(batch, 4096) < 0.2).float()

    def packed() -> np.ndarray:
        rows = np.empty((1, batch, words.shape[1]), np.uint64)
        kernels.pack_rows(x.numpy(), rows, np.float32(1))
        return kernels.linear(words, rows)

    assert torch.equal(torch.from_numpy(packed()).float(), F.linear(x, floating))
    return summary(
        measure({"float32": lambda: F.linear(x, floating), "packed": packed}, rounds, 10 if batch == 1 else 1), "packed"
    )


def convolution(batch: int, rounds: int) -> dict[str, object]:
    weight, words = signs(256, 256, 3, 3)
    floating, x = weight.float(), (torch.rand(batch, 256, 16, 16) < 0.2).float()
    last = (x.contiguous(memory_format=torch.channels_last), floating.contiguous(memory_format=torch.channels_last))
    window = kernels.Window(16, 16, 3, 3, 1, 1, 1, 1, 1, 1)

    def packed() -> np.ndarray:
        images = np.empty((1, batch, 256, 4), np.uint64)
        kernels.pack(x.view(batch, 256, 256).numpy(), images, np.float32(1))
        return kernels.conv2d(words, images.reshape(1, batch, 16, 16, 4), window)

    expected = F.conv2d(x, floating, padding=1)
    assert torch.equal(torch.from_numpy(packed()).permute(0, 3, 1, 2).float(), expected)
    runs = {
        "float32": lambda: F.conv2d(x, floating, padding=1),
        "float32, channels last": lambda: F.conv2d(*last, padding=1),
        "packed": packed,
    }
    return summary(measure(runs, rounds, 10 if batch == 1 else 1), "packed")


def save_network(folder: Path, size: int, widths: tuple[int, ...] | None = None) -> None:
    """A ResNet19, with norms and membranes that have seen some random images, or one of other widths."""

    torch.manual_seed(0)
    model = (
        resnet19(channels=3, size=(size, size), classes=10)
        if widths is None
        else ResNet(widths, (2, 1, 1), channels=3, classes=10)
    )
    source = capture(model.eval(), torch.rand(2, 3, size, size))
    network = TrainingNetwork(source, spiking_training(options({"membrane_bits": 2}, "paper3")).network).train()
    with torch.no_grad():
        for _ in range(30 if widths is None else 5):
            network(torch.rand(2, 3, size, size) * 2)
    save_blueprint(folder, network.eval().freeze(), about={})

    computed = footprint(source, FootprintSettings(weight_bits=1, membrane_bits=2, edge_bits=8))
    (folder / "computed.json").write_text(json.dumps({part.what: part.bytes for part in computed.parts}))


def network(folder: Path, batch: int, rounds: int) -> dict[str, object]:
    blueprint, _ = load_blueprint(folder)
    packed, _ = load_packed(folder)
    first, last = build(blueprint), build(blueprint).to(memory_format=torch.channels_last)
    x = torch.rand(batch, 3, 32, 32) * 2
    beside = x.contiguous(memory_format=torch.channels_last)
    rates: dict[str, float] = {}
    with torch.inference_mode():
        for mine, theirs in zip(packed.walk(x[:4]), first.walk(x[:4]), strict=True):
            assert torch.equal(mine.codes, theirs.codes), mine.node.name
            if mine.train is not None:
                assert torch.equal(mine.train, theirs.train), mine.node.name
                rates[mine.node.name] = round(float(mine.train.mean()), 3)
    runs = {"float32": lambda: first(x), "float32, channels last": lambda: last(beside), "packed": lambda: packed(x)}
    return {"rates": rates} | summary(measure(runs, rounds), "packed")


def grown(folder: Path, small: Path, engine: str, batch: int) -> dict[str, int]:
    """In a process of its own: bytes that loading and running takes at its peak."""
    torch.set_num_threads(1)

    def load(path: Path) -> Callable[[Tensor], Tensor]:
        return build(load_blueprint(path)[0]) if engine == "float32" else load_packed(path)[0]

    with torch.inference_mode():
        x = torch.rand(batch, 3, 32, 32)
        load(small)(torch.rand(1, 3, 16, 16))
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        before = resident("VmRSS")
        loaded = load(folder)
        after_loading, stored = resident("VmHWM") - before, resident("VmRSS") - before
        loaded(x)
    peak = resident("VmHWM") - before
    if engine == "float32":
        own = sum(buffer.numel() * buffer.element_size() for buffer in loaded.program.buffers())
    else:
        own = loaded.stored_bytes
    return {
        "peak_bytes": peak,
        "peak_bytes_of_loading": after_loading,
        "bytes_held_once_loaded": stored,
        "bytes_of_weights_and_constants": own,
    }


def resident(what: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def memory(folder: Path, small: Path, batch: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for engine in ("float32", "packed"):
        command = [sys.executable, __file__, "--grown", str(folder), str(small), engine, str(batch)]
        found[engine] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    found["share_of_peak"] = found["packed"]["peak_bytes"] / found["float32"]["peak_bytes"]
    print(f"memory, batch {batch}: {found}", flush=True)
    return found


def items(folder: Path) -> dict[str, object]:
    """Bytes of the saved arrays by sort, the file's own header, and what was computed from the source."""
    path = folder / "weights.safetensors"
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
    sorts: dict[str, int] = {"header": 8 + length}
    plan = load_packed(folder)[0].plan
    bits = {f"{node.name}.weight": f"weights, {node.weights.bits} bit" for node in plan.nodes if node.weights}
    for name, entry in header.items():
        if name != "__metadata__":
            sort = bits.get(name, name.rpartition(".")[2])
            sorts[sort] = sorts.get(sort, 0) + entry["data_offsets"][1] - entry["data_offsets"][0]
    computed = json.loads((folder / "computed.json").read_text())
    stored = sum(size for what, size in computed.items() if "membrane" not in what)
    found = {"file_bytes": path.stat().st_size, "by_sort": sorts, "computed": computed, "computed_bytes": stored}
    found["share_of_computed"] = found["file_bytes"] / stored
    print(f"folder: {found}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="parts whose name has this in it")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--grown", nargs=4, help=argparse.SUPPRESS)
    settings = parser.parse_args()
    if settings.grown:
        folder, small, engine, batch = settings.grown
        print(json.dumps(grown(Path(folder), Path(small), engine, int(batch))))
        return
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rounds, rows = settings.rounds, {}
    with tempfile.TemporaryDirectory() as made:
        folder, small = Path(made) / "resnet19", Path(made) / "small"
        if any(settings.only in part for part in ("network", "memory", "folder")):
            save_network(folder, 32)
            save_network(small, 16, (64, 72, 80))
        parts: dict[str, Callable[[], dict[str, object]]] = {
            "linear, batch 1": lambda: linear(1, rounds),
            "linear, batch 64": lambda: linear(64, rounds),
            "convolution, batch 1": lambda: convolution(1, rounds),
            "convolution, batch 64": lambda: convolution(64, max(rounds // 3, 3)),
            "network, batch 1": lambda: network(folder, 1, rounds),
            "network, batch 64": lambda: network(folder, 64, 3),
            "memory, batch 1": lambda: memory(folder, small, 1),
            "memory, batch 64": lambda: memory(folder, small, 64),
            "folder": lambda: items(folder),
        }
        for name, part in parts.items():
            if settings.only in name:
                print(name, flush=True)
                rows[name] = part()
    conditions = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {cpu()}, {torch.backends.cpu.get_cpu_capability()}",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "rounds": rounds,
        "ratios": "of processor time, medians of paired rounds",
    }
    if settings.json is not None:
        settings.json.write_text(json.dumps({"conditions": conditions, "rows": rows}, indent=1) + "\n")


def cpu() -> str:
    """The model, and which of the instructions that matter it has."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return f"{model} with {', '.join(flag for flag in ('avx2', 'avx512_vpopcntdq') if flag in flags) or 'neither'}"


if __name__ == "__main__":
    main()
