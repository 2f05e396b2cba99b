"""How much faster is a fault campaign than the naive loop: copy the network, draw a dense mask, evaluate all images?

    python benchmarks/injection.py --topologies RUNS [--cnn RUN] [--images 10000] [--maps 100] [--json FILE]
    git worktree add /tmp/before COMMIT && python benchmarks/injection.py … --before /tmp/before --rounds 3

RUNS holds mnist_top3_C2_s0 and mnist_top3_ann_s0 of reproduce/; RUN is a converted `cnn`, whose source is the ordinary
network. One run, one thread, the same images for both; the naive loop runs some maps in turns with campaigns, and both
count processor time a map, drawing included. The campaign is `inject` whole:
fault-free pass, record in memory, counts. Each short cut alone, and without each, is timed on the spiking TOP3.
With --before, this tree and another are measured by turns by this script, network by network, each time in a process of
its own: what it calls must be in both.
"""

import argparse
import copy
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.conversion.quantise import load, quantise, store
from spikewright.data.files import write_json
from spikewright.engines.network import build
from spikewright.interchange import run_folder as folder
from spikewright.measure.samples import Prepared
from spikewright.measure.speed.machine import processor
from spikewright.reliability.campaign.inject import inject
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.injectable.propagate import Shortcuts
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform

BITS = Uniform(bits=8)
BATCH = 250
RATES = (1e-4, 1e-3, 1e-2, 1e-1)
ALONE = {name: Shortcuts(**{n: n == name for n in ("prefix", "sparse", "channels", "rows")})
         for name in ("prefix", "sparse", "channels", "rows")}  # fmt: skip
SHORTCUTS = "short cuts"
FIGURES = ("ratio", "campaign_ms_a_map", "naive_ms_a_map")
WITHOUT = {f"without {name}": Shortcuts(**{name: False}) for name in ("prefix", "sparse", "channels", "rows")}


def dense(integers: Tensor, rate: float | None, generator: torch.Generator) -> Tensor:
    """Flip bits as one would at first: a random number for every bit, or one bit of all."""
    words = integers.to(torch.int16) & 255
    if rate is None:
        place = int(torch.randint(words.numel() * 8, (), generator=generator))
        mask = torch.zeros(words.numel(), dtype=torch.int16)
        mask[place // 8] = 1 << place % 8
        mask = mask.reshape(words.shape)
    else:
        hit = torch.rand(*words.shape, 8, generator=generator) < rate
        mask = (hit.to(torch.int16) << torch.arange(8, dtype=torch.int16)).sum(-1, dtype=torch.int16)
    flipped = words ^ mask
    return torch.where(flipped > 127, flipped - 256, flipped)


def naive_spiking(blueprint: Blueprint, samples: Prepared, layer: str | None) -> Callable[[float | None, Any], int]:
    stored = quantise(blueprint, BITS)
    names = [f"{n.name}.weight" for n in stored.plan.nodes if n.weights and layer in (None, n.name)]

    def once(rate: float | None, generator: torch.Generator) -> int:
        arrays = copy.deepcopy(dict(stored.arrays))
        for name in names if rate is not None else names[:1]:
            arrays[name] = dense(arrays[name], rate, generator).to(arrays[name].dtype)
        network, right = build(Blueprint(stored.plan, arrays)), 0
        for x, labels in zip(samples.inputs.split(BATCH), samples.labels.split(BATCH), strict=True):
            right += int((network(x).argmax(1) == labels).sum())
        return right

    return once


def naive_ordinary(source: Source, samples: Prepared, layer: str | None) -> Callable[[float | None, Any], int]:
    stored = store(source, BITS)
    readers = {dict(n.arrays).get("weight"): n.name for n in source.nodes}
    names = [name for name in stored if layer in (None, readers[name])]

    def once(rate: float | None, generator: torch.Generator) -> int:
        entry = dict(stored)
        for name in names if rate is not None else names[:1]:
            entry[name] = entry[name]._replace(integers=dense(entry[name].integers, rate, generator))
        faulty, right = load(source, entry), 0
        for x, labels in zip(samples.inputs.split(BATCH), samples.labels.split(BATCH), strict=True):
            right += int((interpreter.run(faulty, x).argmax(1) == labels).sum())
        return right

    return once


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def compare(
    network: Blueprint | Source, samples: Prepared, rate: float | None, settings: argparse.Namespace,
    *, scope: str = "model", shortcuts: Shortcuts | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Processor time a map of the campaign and of the naive loop, in turns."""
    naive_of = naive_ordinary if isinstance(network, Source) else naive_spiking
    parts: list[str | None] = [None]
    if scope == "layer":
        first = inject(network, Prepared(samples.inputs[:50], samples.labels[:50]), _asked(rate, 1, scope, 0))
        parts = [row.stratum.removeprefix("layer:") for row in first.rows]
    generator = torch.Generator().manual_seed(0)
    ours, theirs, maps = list[float](), list[float](), settings.maps
    with torch.inference_mode():
        naive = [naive_of(network, samples, part) for part in parts]
        for turn in range(settings.turns):
            asked = _asked(rate, maps, scope, turn, shortcuts)
            ours.append(seconds(lambda asked=asked: inject(network, samples, asked)) / maps / len(parts))
            for call in naive * settings.naive:
                theirs.append(seconds(lambda call=call: call(rate, generator)))
    mine, other = statistics.median(ours), statistics.mean(theirs)
    return {"ratio": other / mine, "campaign_ms_a_map": 1e3 * mine, "naive_ms_a_map": 1e3 * other,
            "maps": maps * settings.turns * len(parts), "naive_maps": len(theirs)}  # fmt: skip


def _asked(
    rate: float | None, maps: int, scope: str, seed: int, shortcuts: Shortcuts | None = None
) -> InjectSettings:  # fmt: skip
    fault = BitFlip(count=1) if rate is None else BitFlip(ber=rate)
    return InjectSettings(fault=fault, maps=maps, scope=scope, seed=seed, shortcuts=shortcuts or Shortcuts())  # pyright: ignore


def loaded(run: Path, count: int, *, spiking: bool) -> tuple[Blueprint | Source, Prepared]:
    if spiking and acquire.is_spiking_run(run):
        network, about = folder.load_blueprint(run)
        data = acquire.spiking_data(run, network.plan, about, images=ImageSettings())
    else:
        source, data, _ = acquire.of_run(run, data=None, images=ImageSettings())
        network = folder.load_blueprint(run)[0] if spiking else source
    assert data is not None
    entry = acquire.labelled(data.test, data, limit=count, batch_size=BATCH)
    return network, Prepared(torch.cat([x for x, _ in entry]), torch.cat([labels for _, labels in entry]))


def by_turns(before: Path, arguments: list[str], names: list[str], rounds: int) -> list[dict[str, Any]]:
    """Rows of this tree, with those of the other beside them; medians over the rounds."""
    trees = {"before": before.resolve(), "after": Path(__file__).parent.parent}
    found = dict[tuple[str, str], dict[str, list[dict[str, Any]]]]()
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "rows.json"
        for _ in range(rounds):
            for name in names:
                for tree, path in trees.items():
                    line = [sys.executable, __file__, *arguments, "--only", name, "--json", str(file)]
                    subprocess.run(line, check=True, env={**os.environ, "PYTHONPATH": str(path / "src")})
                    for row in json.loads(file.read_text())["rows"]:
                        found.setdefault((row["network"], row["what"]), {}).setdefault(tree, []).append(row)
    rows = list[dict[str, Any]]()
    for (network, what), of in found.items():
        median = {tree: {key: statistics.median(row[key] for row in of[tree]) for key in FIGURES} for tree in trees}
        counts = {key: sum(row[key] for row in of["after"]) for key in ("maps", "naive_maps")}
        times = median["after"]["campaign_ms_a_map"] / median["before"]["campaign_ms_a_map"]
        rows.append({"network": network, "what": what, **median["after"], **counts,
                     "before": median["before"], "campaign_over_before": times})  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topologies", type=Path, required=True)
    parser.add_argument("--cnn", type=Path)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--cnn-images", type=int, default=500)
    parser.add_argument("--maps", type=int, default=100, help="of a campaign; a fifth of it for the cnn")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--naive", type=int, default=5, help="maps of the naive loop in a turn")
    parser.add_argument("--only", help="one network, or 'short cuts'")
    parser.add_argument("--before", type=Path, help="another worktree of this repository")
    parser.add_argument("--rounds", type=int, default=3, help="with --before")
    parser.add_argument("--json", type=Path)
    settings = parser.parse_args()
    torch.set_num_threads(1)
    nets: dict[str, tuple[Path, int, bool]] = {
        "top3 spiking (C2)": (settings.topologies / "mnist_top3_C2_s0", settings.images, True),
        "top3 ordinary": (settings.topologies / "mnist_top3_ann_s0", settings.images, False),
    }
    if settings.cnn is not None:
        nets["cnn spiking (exact, T = 4)"] = (settings.cnn, settings.cnn_images, True)
        nets["cnn ordinary"] = (settings.cnn, settings.cnn_images, False)
    conditions: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"), "torch": torch.__version__, "threads": 1, "processor": processor(),
        "images": settings.images, "cnn_images": settings.cnn_images, "time": "processor time of this process",
        "machine_shared": "other work ran beside: read the ratios",
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    if settings.before is not None:
        given = vars(settings)
        passed = ("topologies", "cnn", "images", "cnn_images", "maps", "turns", "naive")
        arguments = [f"--{key.replace('_', '-')}={given[key]}" for key in passed if given[key] is not None]
        rows = by_turns(settings.before, arguments, [settings.only] if settings.only else list(nets), settings.rounds)
        conditions["before"] = f"the same script on {settings.before.name}, by turns, {settings.rounds} rounds; medians"
        write_json(settings.json, {"conditions": conditions, "rows": rows})
        return

    def report(name: str, what: str, found: dict[str, Any]) -> None:
        rows.append({"network": name, "what": what, **found})
        print(f"{name}, {what}: {found['ratio']:.1f} ×", flush=True)
        if settings.json is not None:
            write_json(settings.json, {"conditions": conditions, "rows": rows})

    whole = settings.maps
    for name, (run, count, spiking) in nets.items():
        if settings.only not in (None, name):
            continue
        network, samples = loaded(run, count, spiking=spiking)
        settings.maps = max(whole // 5, 1) if name.startswith("cnn") else whole
        for rate in RATES:
            report(name, f"model-wise at {rate:g}", compare(network, samples, rate, settings))
        report(name, "layer by layer at 0.01", compare(network, samples, 1e-2, settings, scope="layer"))
        report(name, "single bits", compare(network, samples, None, settings))
    if settings.only not in (None, SHORTCUTS):
        return
    network, samples = loaded(*nets["top3 spiking (C2)"][:2], spiking=True)
    settings.maps = max(whole // 2, 1)
    for rate in (1e-3, None):
        for name, shortcuts in {**ALONE, **WITHOUT}.items():
            what = f"{'single bits' if rate is None else f'model-wise at {rate:g}'}, {name}"
            report("top3 spiking (C2)", what, compare(network, samples, rate, settings, shortcuts=shortcuts))


if __name__ == "__main__":
    main()
