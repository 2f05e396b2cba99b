"""Paper 1's grid under faults: TOP0–TOP4, the ordinary network and C1–C4, MNIST and Fashion-MNIST, five error rates.

    python reproduce/topologies.py --runs runs/topologies --json reproduce/topologies.json
    python reproduce/reliability.py --runs runs/topologies --json reproduce/reliability.json --workers 2
One command, and resumable: ordinary networks that are not trained yet are trained, maps that are on record are not run
again. Model-wise at every rate, layer-wise for TOP1 and TOP3 at 1e-2. 8-bit weights, one scale a tensor; 100 maps a
cell on the first 2,000 test images; every network meets maps of the same ids on the same images. --topologies and
--configs make a part of the grid; the result says which. In the committed one a part was
made anew and put into the grid of before: `made` is a cell's date, and its conditions say what changed.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", Figs. 2–5. Only a few of its values
are printed, in its text; they stand beside ours. The paper defines neither its error rates' number of repetitions nor
its quantisation range.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from conditions import conditions

from spikewright.app.cli.console import progress_bar
from spikewright.app.runs import inject, train
from spikewright.app.runs.inject import InjectRequest
from spikewright.app.runs.train import TrainRequest
from spikewright.data.files import write_json
from spikewright.measure.statistics.decisions import Normal
from spikewright.reliability.campaign.settings import Injection, InjectSettings
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.workers.pool import Workers
from spikewright.training.settings import TrainSettings

TOPOLOGIES = ("top0", "top1", "top2", "top3", "top4")
DATA = ("mnist", "fashion_mnist")
CONFIGS = ("C1", "C2", "C3", "C4")
RATES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
LAYERED, LAYERED_RATE = ("top1", "top3"), 1e-2
PRINTED = {
    "top3 C2, layer 4 of 5 at 1e-2, reliability": 0.9654,
    "top3 ordinary, layer 4 of 5 at 1e-2, reliability": 0.526,
    "their ratio (called 1.84x better reliability)": 1.84,
    "top3 best ratio at 1e-2, MNIST (called 1.92x)": 1.92,
    "top4 C1 or C2 worse than the ordinary network at 1e-2, by up to %": 54.13,
    "top4 C3 better than the ordinary network at 1e-2, by up to %": 28.03,
}


def ordinary(data: str, topology: str, *, runs: Path, epochs: int, seed: int) -> Path:
    """The trained network without spikes; trained here if it is not there."""
    out = runs / f"{data}_{topology}_ann_s{seed}"
    if not (out / "source.json").is_file():
        settings = TrainSettings(epochs=epochs, seed=seed, learning_rate=0.05)
        model = f"paper1_networks:{topology}"
        with progress_bar() as progress:
            train.run(
                TrainRequest(out=out, model=model, data=data, resume=True, settings=settings), on_progress=progress
            )
    return out


def faulty(run: Path, rate: float, scope: str, asked: argparse.Namespace) -> Injection:
    """One cell, or what is left of it."""
    settings = InjectSettings(
        fault=BitFlip(ber=rate), scope=scope, maps=asked.maps, seed=asked.seed,  # pyright: ignore[reportArgumentType]
        workers=Workers(count=asked.workers),
    )  # fmt: skip
    record = run / "campaigns" / f"reliability_{rate:g}.jsonl"
    request = InjectRequest(run=run, settings=(settings,), samples=asked.images, record=record)
    return inject.run(request).campaigns[0].injection


def short(found: Injection) -> dict[str, Any]:
    """The figures of a cell without its maps."""
    made = found.to_json()
    saved = [name for name in made if name.startswith(("accuracy_", "reliability_"))] + ["maps", "silent", "arithmetic"]
    rows = [
        {name: value for name, value in row.items() if name != "accuracies"}
        for row in (made["rows"] if len(made["rows"]) > 1 else [])
    ]
    return {**{name: made[name] for name in saved}, **({"rows": rows} if rows else {})}


def main() -> None:
    """Run all cells and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--topologies", nargs="+", choices=TOPOLOGIES, default=TOPOLOGIES)
    parser.add_argument("--configs", nargs="+", choices=CONFIGS, default=CONFIGS)
    parser.add_argument("--maps", type=int, default=100)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=8, help="of ordinary networks")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    began = time.monotonic()
    cells: list[dict[str, Any]] = []
    seconds = 0.0
    for topology in asked.topologies:
        for data in DATA:
            plain = ordinary(data, topology, runs=asked.runs, epochs=asked.epochs, seed=asked.seed)
            nets = {"ann": plain} | {c: asked.runs / f"{data}_{topology}_{c}_s{asked.seed}" for c in asked.configs}
            for rate in RATES:
                base: Injection | None = None
                for config, run in nets.items():
                    start = time.monotonic()
                    found = faulty(run, rate, "model", asked)
                    base = base or found
                    cell = {"data": data, "topology": topology, "config": config, "ber": rate, **short(found)}
                    if config != "ann":
                        cell["against_ann"] = _against(found, base, asked.maps)
                    cell["seconds"] = round(time.monotonic() - start, 1)
                    seconds += time.monotonic() - start
                    cells.append(cell)
                    print(json.dumps({k: v for k, v in cell.items() if k in _SHOWN}), flush=True)
            if topology in LAYERED:
                for config, run in nets.items():
                    start = time.monotonic()
                    found = faulty(run, LAYERED_RATE, "layer", asked)
                    seconds += time.monotonic() - start
                    cell = {"data": data, "topology": topology, "config": config, "ber": LAYERED_RATE, "scope": "layer"}
                    cells.append({**cell, **short(found), "seconds": round(time.monotonic() - start, 1)})
    write_json(
        asked.json,
        {
            "what": "bit flips in 8-bit weights of fully connected networks, ordinary and spiking",
            "conditions": {
                **conditions(began, seeds=[asked.seed]),
                "topologies": asked.topologies,
                "configs": asked.configs,
                "maps": asked.maps,
                "images": asked.images,
                "workers": asked.workers,
                "minutes_of_campaigns": round(seconds / 60, 1),
                "machine_shared": "other work ran beside on the same 2 cores",
            },
            "printed": PRINTED,
            "compares": compares(cells),
            "energy": energies(),
            "cells": cells,
        },
    )


def compares(cells: list[dict[str, Any]]) -> str:
    """How the grid compares with what is printed, in words."""
    whole = [cell for cell in cells if "against_ann" in cell and cell["ber"] == LAYERED_RATE]
    best = max(whole, key=lambda cell: cell["against_ann"]["ratio_of_reliabilities"])
    worst = min(whole, key=lambda cell: cell["against_ann"]["ratio_of_reliabilities"])
    verdicts = [cell["against_ann"]["verdict"] for cell in cells if "against_ann" in cell]
    counts = ", ".join(f"{verdicts.count(each)} {each}" for each in ("PASS", "FAIL", "UNDECIDED"))
    named = [
        f"{cell['topology']} {cell['config']} on {cell['data']} {cell['against_ann']['ratio_of_reliabilities']:.2f}"
        for cell in (best, worst)
    ]
    return (
        "NOT reproduced: over the range that each weight tensor needs, spiking networks are no more reliable than the "
        f"ordinary one. Ratio of reliabilities at 1e-2: at best {named[0]} (printed up to 1.92), at worst {named[1]} "
        f"(printed down to 0.46). Against the ordinary network, margin 0, all rates: {counts}. weight_ranges.json "
        "shows what the range alone does"
    )


def energies() -> dict[str, Any] | None:
    """The abstract's 27.81 and 15.17 for TOP3 C2, from the networks of topologies.json and both tables."""
    path = Path(__file__).with_name("topologies.json")
    if not path.is_file():
        return None
    cells = json.loads(path.read_text())["cells"]
    stored = {c["data"]: c["energy_ratio"] for c in cells if (c["topology"], c["config"]) == ("top3", "C2")}
    return {
        "what": "energy of the ordinary network over that of TOP3 C2",
        "integers (3.2 pJ a MAC, 0.1 pJ an accumulation)": stored,
        "mixed (4.6 pJ a float MAC, 0.1 pJ an integer accumulation)": {d: 4.6 / 3.2 * r for d, r in stored.items()},
        "floats (4.6 pJ, 0.9 pJ)": {data: 4.6 / 3.2 / 9 * ratio for data, ratio in stored.items()},
        "printed": {"mnist": 27.81, "fashion_mnist": 15.17},
        "compares": "the printed pair is that of mixed number formats; with one format it is the first line",
    }


_SHOWN = ("data", "topology", "config", "ber", "accuracy_golden", "accuracy_mean", "accuracy_low", "accuracy_high",
          "seconds")  # fmt: skip


def _against(found: Injection, base: Injection, maps: int) -> dict[str, Any]:
    """Is it no worse under faults than the ordinary network, in accuracy, map by map?"""
    differences = found.rows[0].accuracies - base.rows[0].accuracies
    decision = Normal().decide(differences, margin=0.0, cap=maps)
    mine, theirs = (each.rows[0].accuracy_mean / each.accuracy_golden for each in (found, base))
    return {
        "verdict": decision.verdict.value,
        "difference_mean": float(differences.mean()),
        "difference_low": decision.low,
        "difference_high": decision.high,
        "ratio_of_reliabilities": mine / theirs,
    }


if __name__ == "__main__":
    main()
