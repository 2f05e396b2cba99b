"""The QAC paper's Fig. 2 and 11 (four parametrisations side by side) and Fig. 1, 5-10 (timesteps of each layer).

    python reproduce/parametrisations.py --start DIR --runs DIR --layers DIR …

Each parametrisation fine-tunes the ReLU network --start under several prices of a step, the same epochs each. The
bars are of the runs --layers, trained by `spikewright train --learn-timesteps`. Needs the extra `dev`.
Accuracies are those of the validation split.
"""

import argparse
import math
import statistics
import time
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from conditions import conditions

from spikewright.ann.ops import Activating
from spikewright.app.runs.train import TrainRequest, train
from spikewright.data.files import write_json
from spikewright.interchange import run_folder as folder
from spikewright.training.settings import TrainSettings
from spikewright.training.timesteps.settings import TimestepSettings

CASES = {"n_d": "(n, d)", "n_alpha": "(n, α)", "d_alpha": "(d, α)", "t_alpha": "(t, α)"}
COLOURS = {"n_d": "#b57bb3", "n_alpha": "#f06f05", "d_alpha": "#0aaa6d", "t_alpha": "#0f3b7c"}


def trained(settings: argparse.Namespace, case: str, penalty: float) -> dict[str, Any]:
    """One fine-tuning, made here if it is not there yet."""
    run = settings.runs / f"{case}_{penalty:g}"
    if not (run / "source.json").is_file():
        how = TrainSettings(
            epochs=settings.epochs, learning_rate=0.02, seed=0, device="cpu",
            timesteps=TimestepSettings(parametrisation=case, timestep_penalty=penalty),
        )  # fmt: skip
        train(TrainRequest(out=run, start=settings.start, initial_timesteps=8, resume=True), how, progress=True)
    steps, about = learned(run)
    return {
        "parametrisation": case, "penalty": penalty, "timesteps": steps,
        "timesteps_mean": statistics.mean(steps.values()),
        "bits_mean": statistics.mean(math.log2(step) for step in steps.values()),
        "accuracy_validation": about["accuracy_validation"],
    }  # fmt: skip


def learned(run: Path) -> tuple[dict[str, int], dict[str, Any]]:
    """Timesteps by activation, and what the run says about itself."""
    source, about = folder.load_source(run)
    found = {
        node.name: node.op.levels
        for node in source.activations
        if isinstance(node.op, Activating) and node.op.levels is not None
    }
    return found, about


def plot_cases(rows: list[dict[str, Any]], start: float, path: Path) -> None:
    """Accuracy against mean timesteps and mean bit width, a line a parametrisation."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    for axis, key, label in zip(
        axes, ("timesteps_mean", "bits_mean"), ("mean timesteps a layer", "mean bit width a layer, log2 T"), strict=True
    ):
        for case, name in CASES.items():
            of = sorted((row for row in rows if row["parametrisation"] == case), key=lambda row: row[key])
            heights = [100 * row["accuracy_validation"] for row in of]
            axis.plot([row[key] for row in of], heights, "o-", ms=5, color=COLOURS[case], label=name)
        axis.axhline(100 * start, color="#5b626b", ls="--", lw=1, label="ReLU source")
        axis.set_xlabel(label)
        axis.grid(alpha=0.25)
    axes[0].set_xscale("log", base=2)
    axes[0].xaxis.set_major_formatter("{x:g}")
    axes[0].set_ylabel("validation accuracy, %")
    axes[1].legend(frameon=False)
    figure.savefig(path)


def plot_layers(runs: list[Path], path: Path) -> None:
    """Timesteps and bit width of every layer, a panel a run."""
    figure, axes = plt.subplots(len(runs), 1, figsize=(9, 2.6 * len(runs)), squeeze=False, layout="constrained")
    for axis, run in zip(axes[:, 0], runs, strict=True):
        steps, about = learned(run)
        axis.bar(range(len(steps)), list(steps.values()), color="#0f3b7c", width=0.7)
        axis.set_xticks(range(len(steps)), list(steps), rotation=60, ha="right", fontsize=7)
        axis.set_ylabel("timesteps")
        axis.margins(y=0.15)
        for place, count in enumerate(steps.values()):
            axis.text(place, count, f"{math.log2(count):.1f}", ha="center", va="bottom", fontsize=7, color="#5b626b")
        mean = statistics.mean(steps.values())
        title = f"{about['model']}, {about['data']}: {mean:.2f} timesteps on average; above the bars: bits, log2 T"
        axis.set_title(title, fontsize=10, loc="left")
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/parametrisations"))
    parser.add_argument("--layers", type=Path, nargs="*", default=[])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--penalties", type=float, nargs="+", default=[0.0, 0.01, 0.05, 0.2])
    settings = parser.parse_args()
    began, here = time.monotonic(), Path(__file__)
    mpl.rcParams["svg.hashsalt"] = "spikewright"  # the same figures give the same file
    rows = [trained(settings, case, penalty) for case in CASES for penalty in settings.penalties]
    start = folder.load_source(settings.start)[1]
    plot_cases(rows, start["accuracy_validation"], here.with_suffix(".svg"))
    if settings.layers:
        plot_layers(settings.layers, here.with_name("timesteps_of_layers.svg"))
    result = {
        "shows": f"four parametrisations of the rounding, {start['model']} on {start['data']}, fine-tuned for "
        f"{settings.epochs} epochs under four prices of a step",
        "against_print": "the paper's Fig. 2 and 11 show (n, d) and (n, α) between 10 and 20 timesteps, (d, α) "
        "divergent (INF) and (t, α) with the fewest; here the guard d > 0 keeps (d, α) finite",
        **conditions(began, seeds=[0]),
        "accuracy_validation_relu": start["accuracy_validation"],
        "finite": all(math.isfinite(row["timesteps_mean"]) for row in rows),
        "rows": rows,
        "timesteps_of_layers": {run.name: learned(run)[0] for run in settings.layers},
    }
    write_json(here.with_suffix(".json"), result)


if __name__ == "__main__":
    main()
