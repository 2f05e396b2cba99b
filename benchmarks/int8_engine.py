"""What does an exact spiking network cost in integers, against its own ReLU network in float32 and bfloat16?

One run: the int8 engine and the float32 collapsed engine at T = 4, and the ReLU network with folded batch norm,
channels last, in float32 (eager and compiled) and in bfloat16; batch 1 and 64, medians of paired rounds. Each code of
the int8 engine is compared with the stepwise integer mode on the same inputs (up to 8 of the batch). The same again
with oneDNN held to AVX-512 without VNNI, in a process of its own.

    python benchmarks/int8_engine.py [--threads 1] [--rounds 15] [--eager-only] [--json FILE]
                                     [--vgg-like RUN] [--resnet18 RUN]

RUN is the folder of a source trained with 15 levels on 3×32×32 images, `--model int8_engine:vgg_like` with this folder
on the Python path, or `--model resnet18`. Its weights are timed then, and each engine's accuracy on its test split
stands beside. Without, weights are random, with the batch norms' statistics observed, and there is no accuracy.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import observe
from spikewright.engines.int8.network import Int8Network
from spikewright.engines.int8.products import largest_code
from spikewright.engines.lower.integer import lowered
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.interchange.run_folder import load_source
from spikewright.measure.speed.machine import processor
from spikewright.measure.speed.side_by_side import side_by_side
from spikewright.models.resnet import resnet18
from spikewright.snn.blueprint import Blueprint

TIMESTEPS = 4
BATCHES = (1, 64)
WIDTHS = (64, 64, "pool", 128, 128, "pool", 256, 256, "pool", 512, 512, "pool")
BASE = "relu float32"
NOTE = "random weights: a time, no accuracy"


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


def folded(model: nn.Module) -> nn.Module:
    """The same network with each batch norm in the convolution before it."""
    parts = dict(model.named_children())
    before: str | None = None
    for name, part in parts.items():
        if isinstance(part, nn.BatchNorm2d) and before is not None and isinstance(parts[before], nn.Conv2d):
            setattr(model, before, fuse_conv_bn_eval(parts[before], part))
            setattr(model, name, nn.Identity())
        else:
            folded(part)
        before = name
    if hasattr(model, "bn1") and hasattr(model, "conv1"):  # a residual block names its layers out of order
        for index in ("1", "2"):
            norm = getattr(model, f"bn{index}", None)
            if isinstance(norm, nn.BatchNorm2d):
                setattr(model, f"conv{index}", fuse_conv_bn_eval(getattr(model, f"conv{index}"), norm))
                setattr(model, f"bn{index}", nn.Identity())
    return model


def network(kind: str, run: Path | None = None) -> tuple[nn.Module, Blueprint]:
    """A folded ReLU network, random or with a run's weights, and the blueprint of the exact conversion."""
    torch.manual_seed(0)
    model = vgg_like() if kind == "vgg_like" else resnet18(channels=3, size=(32, 32), classes=10)
    if run is None:
        model.train()
        with torch.no_grad():
            for _ in range(3):
                model(torch.randn(32, 3, 32, 32))
        source = capture(model.eval(), torch.randn(2, 3, 32, 32))
        blueprint = Exact(timesteps=TIMESTEPS)(source, observe(source, [torch.randn(32, 3, 32, 32)]))
    else:
        source, _ = load_source(run)
        stored = {name: array for name, array in source.arrays.items() if not name.endswith("threshold")}
        missing, unexpected = model.load_state_dict(stored, strict=False)
        assert not unexpected
        assert all(name.endswith("num_batches_tracked") for name in missing)
        blueprint = Exact(timesteps=TIMESTEPS)(source, None)
    model.eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        before = model(x)
        torch.testing.assert_close(folded(model)(x), before, rtol=1e-3, atol=1e-3)
    return model, blueprint


def differing(engine: Int8Network, other: Any, x: Tensor) -> tuple[int, int]:
    """Codes of the int8 engine that are not those of the stepwise integer mode, and how many there are."""
    wrong = total = 0
    own = next(other.buffers()).dtype
    for one, two in zip(engine.collapse(x), other.walk(x.to(own)), strict=True):
        if isinstance(one, StageRecord):
            wrong += int((one.codes.double() != two.codes.double()).sum())
            total += one.codes.numel()
    return wrong, total


def measure(kind: str, settings: argparse.Namespace) -> dict[str, Any]:
    run = getattr(settings, kind)
    model, blueprint = network(kind, run)
    integers = build(blueprint, lower=lowered)
    engine = Int8Network(integers.program)
    collapsed = build(blueprint).to(memory_format=torch.channels_last)
    relu = model.to(memory_format=torch.channels_last)
    half = network(kind, run)[0].to(torch.bfloat16).to(memory_format=torch.channels_last)
    compiled = None if settings.eager_only else torch.compile(relu)
    result: dict[str, Any] = {"products": engine.arithmetic, "accuracy": None, "accuracy_note": NOTE, "batches": {}}
    if run is not None and not settings.child:
        result |= accuracies(run, {"collapsed float32": collapsed, "int8": engine})
    for batch in BATCHES:
        x = torch.randn(batch, 3, 32, 32).to(memory_format=torch.channels_last)
        low = x.bfloat16()
        runs: dict[str, Callable[[], object]] = {
            BASE: lambda x=x: relu(x),
            "relu bfloat16": lambda low=low: half(low),
            "collapsed float32": lambda x=x: collapsed(x),
            "int8": lambda x=x: engine(x),
        }
        if compiled is not None:
            runs["relu float32, compiled"] = lambda x=x: compiled(x)
        with torch.inference_mode():
            rows = side_by_side(runs, against=BASE, rounds=settings.rounds if batch > 1 else 3 * settings.rounds)
            wrong, total = differing(engine, integers, x[:8])
        result["batches"][str(batch)] = {name: asdict(timing) for name, timing in rows.items()}
        result["codes_compared"], result["codes_that_differ_from_the_integer_mode"] = total, wrong
        for name, timing in rows.items():
            print(f"{kind}, batch {batch}: {name:24} {timing.milliseconds:8.2f} ms  {timing.ratio:5.2f} ×", flush=True)
        print(f"{kind}, batch {batch}: {wrong} of {total:,} codes differ from the stepwise integer mode", flush=True)
    return result


def accuracies(run: Path, engines: dict[str, Callable[[Tensor], Tensor]]) -> dict[str, Any]:
    """Share of the run's test images that each engine gets right, and the trained network in float32 and bfloat16.

    The ReLU network that is timed leaves out the clipping that the weights were trained with, as the quickest there is;
    its answers are not worth comparing.
    """
    source, data, about = acquire.of_run(run, data=None, images=ImageSettings())
    assert data is not None
    low = {name: array.bfloat16() for name, array in source.arrays.items()}
    every = {
        "network as trained, float32": lambda x: interpreter.run(source, x, arrays=source.arrays),
        "network as trained, bfloat16": lambda x: interpreter.run(source, x.bfloat16(), arrays=low),
        **engines,
    }
    right = dict.fromkeys(every, 0)
    stored = acquire.labelled(data.test, data, batch_size=250)
    with torch.inference_mode():
        for x, labels in stored:
            for name, call in every.items():
                right[name] += int((call(x).argmax(1) == labels).sum())
    count = sum(len(labels) for _, labels in stored)
    found = {name: hits / count for name, hits in right.items()}
    note = f"{data.name}, {count} test images, {len(about['epochs'])} epochs of the last training, 15 levels"
    print(run.name, note, found, flush=True)
    return {"accuracy": found, "accuracy_note": note}


def everything(settings: argparse.Namespace) -> dict[str, Any]:
    return {
        "processor": processor(),
        "largest_code_of_byte_products": largest_code(),
        "networks": {kind: measure(kind, settings) for kind in ("vgg_like", "resnet18")},
    }


def without_vnni(settings: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "found.json"
        command = [sys.executable, __file__, "--threads", str(settings.threads), "--rounds", str(settings.rounds)]
        command += ["--eager-only", "--child", "--json", str(out)]
        subprocess.run(command, check=True, env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX512_CORE"})
        return json.loads(out.read_text())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--eager-only", action="store_true")
    parser.add_argument("--vgg-like", type=Path)
    parser.add_argument("--resnet18", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    torch._dynamo.config.cache_size_limit = 64
    found = everything(settings)
    if not settings.child:
        found = {
            "conditions": {
                "date": time.strftime("%Y-%m-%d"),
                "torch": torch.__version__,
                "timesteps": TIMESTEPS,
                "rounds": settings.rounds,
                "input": "3×32×32, channels last",
                "against": BASE,
                "machine_shared": "other work ran beside: read the ratios, not the milliseconds",
            },
            **found,
            "without_vnni": without_vnni(settings),
        }
    if settings.json is not None:
        settings.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
