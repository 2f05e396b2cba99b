"""Q-SNNs, Fig. 5 (and 2, 4): what weight-spike dual regulation is worth, on a small network and CIFAR-10.

    python reproduce/regulation.py --runs runs/regulation --json reproduce/regulation.json
Full precision; then 1-bit weights with 8-, 4- and 2-bit membranes, each without regulation (weights as they are
before their sign, no price on firing rates) and with it (weights standardised by layer, λ = 1e-3), three seeds; at
1w-2u with --parts also either part alone.
Entropies of signs and spikes of each layer, without and with, are drawn beside the JSON. A cell that is there is
not trained again. Figures are of the test split, of the last epoch's weights; nothing is chosen.

The paper prints, for ResNet19, T = 2: full precision 96.36 %, 1w-2u with regulation 95.20 %, 1.78 points above
without. Ours is the library's `cnn` (75,000 parameters), trained for a few epochs.
"""

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import torch
from conditions import conditions
from torch import Tensor

from spikewright.app.cli.console import progress_bar
from spikewright.app.runs import acquire, train
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.train import TrainRequest
from spikewright.data.files import write_json
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.interchange.run_folder import load_blueprint
from spikewright.snn.blueprint import Blueprint
from spikewright.training.settings import TrainSettings
from spikewright.training.snn.recipes import OF_TRAINING, options, spiking_training

WITHOUT: dict[str, Any] = {"standardise": "none", "rate_penalty": 0.0}
CELLS: dict[str, dict[str, Any]] = {
    "1w-2u without": {"membrane_bits": 2, **WITHOUT},
    "1w-2u with": {"membrane_bits": 2},
    "full precision": {"weight_bits": 32, "membrane_bits": 32, **WITHOUT},
    "1w-8u without": {"membrane_bits": 8, **WITHOUT},
    "1w-8u with": {"membrane_bits": 8},
    "1w-4u without": {"membrane_bits": 4, **WITHOUT},
    "1w-4u with": {"membrane_bits": 4},
}
PARTS: dict[str, dict[str, Any]] = {  # which of the two does it; with --parts
    "1w-2u standardised alone": {"membrane_bits": 2, "rate_penalty": 0.0},
    "1w-2u rates alone": {"membrane_bits": 2, "standardise": "none"},
}
IMAGES = 1000  # of the test split, for the entropies


def trained(name: str, *, model: str, runs: Path, epochs: int, seed: int) -> tuple[Blueprint, dict[str, Any]]:
    """Train one network, or find it trained."""
    out = runs / f"{model}_{name.replace(' ', '_')}_s{seed}"
    if not (out / "plan.json").is_file():
        chosen = options({**CELLS, **PARTS}[name], "paper3")
        settings = TrainSettings(epochs=epochs, seed=seed, **{key: chosen[key] for key in OF_TRAINING})
        spiking = spiking_training(chosen, seed=seed)
        request = TrainRequest(out=out, model=model, data="cifar10", spiking=spiking, resume=True, settings=settings)
        with progress_bar() as progress:
            train.run(request, on_progress=progress)
    return load_blueprint(out)


def entropy(share: float) -> float:
    """Of a Bernoulli variable, in nats (Eq. 12)."""
    return -sum(p * math.log(p) for p in (share, 1 - share) if p > 0)


def signs_and_spikes(blueprint: Blueprint, images: list[Tensor]) -> dict[str, dict[str, float]]:
    """Per layer: the share of +1 among 1-bit weights, and of spikes among neurons and steps."""
    plan = blueprint.plan
    signs = {
        node.name: float((blueprint.arrays[f"{node.name}.weight"] == 1).double().mean())
        for node in plan.nodes
        if node.weights is not None and node.weights.bits == 1
    }
    network, fired, seen = build(blueprint), dict.fromkeys((node.name for node in plan.stages), 0.0), 0
    with torch.no_grad():
        for x in images:
            seen += len(x)
            for record in network.collapse(x):
                if isinstance(record, StageRecord):
                    fired[record.node.name] += float(record.counts.mean(tuple(range(1, record.counts.dim()))).sum())
    steps = plan.encoder.steps
    return {"weights": signs, "spikes": {name: total / seen / steps for name, total in fired.items()}}


def draw(path: Path, shares: dict[str, dict[str, dict[str, float]]]) -> None:
    """Entropies of each layer, without and with regulation."""
    import matplotlib  # noqa: PLC0415  # a second, and only here

    matplotlib.use("svg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.4))
    for axis, kind in zip(axes, ("weights", "spikes"), strict=True):
        for offset, (name, found) in enumerate(shares.items()):
            values = [entropy(share) for share in found[kind].values()]
            places = [index + 0.4 * offset - 0.2 for index in range(len(values))]
            axis.bar(places, values, width=0.38, label=name, color=("#9aa5b1", "#2563eb")[offset])
            axis.set_xticks(range(len(values)), list(found[kind]), rotation=30, ha="right", fontsize=8)
        axis.axhline(math.log(2), color="#d64545", linewidth=0.8, linestyle="--")
        axis.set_ylim(0, 0.75)
        axis.set_ylabel("entropy, nats")
        axis.set_title(f"{kind}: entropy of each layer (dashed: ln 2)", fontsize=10)
    axes[1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    """Train all cells, tell the gaps, draw the entropies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--parts", action="store_true", help="either part alone, too")
    asked = parser.parse_args()
    wanted = [*CELLS, *(PARTS if asked.parts else ())]
    began = time.monotonic()
    cells, shares = [], {}
    for name in wanted:
        for seed in asked.seeds:
            blueprint, about = trained(name, model=asked.model, runs=asked.runs, epochs=asked.epochs, seed=seed)
            found = {
                "cell": name,
                "seed": seed,
                "epochs": len(about["epochs"]),
                **{key: about[key] for key in ("accuracy_validation", "accuracy_test", "seconds")},
                "firing_rate": about["epochs"][-1]["firing_rate"],
                "dead_stages": about["epochs"][-1]["dead_stages"],
            }
            print(json.dumps(found))
            cells.append(found)
            if seed == asked.seeds[0] and name in ("1w-2u without", "1w-2u with"):
                shares[name] = _shares(asked.runs, blueprint, about)
    means = {
        name: sum(cell["accuracy_test"] for cell in cells if cell["cell"] == name) / len(asked.seeds) for name in wanted
    }
    entropies = {
        name: {kind: sum(map(entropy, part.values())) / len(part) for kind, part in found.items()}
        for name, found in shares.items()
    }
    gaps = {bits: 100 * (means[f"{bits} with"] - means[f"{bits} without"]) for bits in ("1w-8u", "1w-4u", "1w-2u")}
    draw(asked.json.with_suffix(".svg"), shares)
    write_json(
        asked.json,
        {
            "what": f"weight-spike dual regulation, {asked.model} on CIFAR-10, T = 2, paper3 recipe",
            "conditions": {
                **conditions(began, seeds=asked.seeds),
                "epochs": asked.epochs,
                "minutes_of_training": round(sum(cell["seconds"] for cell in cells) / 60, 1),
            },
            "accuracy_mean": means,
            "points_with_above_without": gaps,
            "printed": {"full precision": 0.9636, "1w-2u with": 0.9520, "points_with_above_without": {"1w-2u": 1.78}},
            "compares": (
                f"with regulation {gaps['1w-2u']:+.2f} points at 1w-2u (bar 0.5; the paper prints 1.78 for a ResNet19 "
                "that is trained to the end). Entropies do not explain it here: behind batch norm they are near ln 2 "
                "already, without and with (entropies_mean)"
            ),
            "entropies_mean": {**entropies, "ln 2": math.log(2)},
            "shares": shares,
            "cells": cells,
        },
    )


def _shares(runs: Path, blueprint: Blueprint, about: dict[str, Any]) -> dict[str, dict[str, float]]:
    data = acquire.spiking_data(runs, blueprint.plan, about, images=ImageSettings())
    return signs_and_spikes(blueprint, acquire.inputs(data.test, data, limit=IMAGES))


if __name__ == "__main__":
    main()
