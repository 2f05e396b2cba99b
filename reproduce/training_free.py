"""Training-free exact conversion of plain ReLU networks: accuracy lost against the source, T = 1..8, three seeds.

`cnn` with max pooling on Fashion-MNIST and ResNet20 on CIFAR-10, trained with ReLU; thresholds by least
quantisation error on 512 training images. Test accuracy is read here for the report only.

    python reproduce/training_free.py                → reproduce/training_free_cnn_fashion_mnist.json
    python reproduce/training_free.py --model resnet20 --data cifar10 --epochs 18 --weight-decay 1e-4 \\
        --precision bf16-mixed                       → reproduce/training_free_resnet20_cifar10.json
"""

import argparse
import statistics
import time
from pathlib import Path

import torch
from conditions import conditions

from spikewright.ann import interpreter
from spikewright.app.cli.console import progress_bar
from spikewright.app.runs import train
from spikewright.app.runs.acquire import ImageSettings, inputs, of_run
from spikewright.app.runs.train import TrainRequest
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import observe
from spikewright.data import Batches
from spikewright.data.files import write_json
from spikewright.engines.network import build
from spikewright.interchange import run_folder as folder
from spikewright.measure.accuracy import correct
from spikewright.training.settings import TrainSettings

TIMESTEPS = range(1, 9)


def trained(settings: argparse.Namespace, seed: int) -> Path:
    """The run folder of a plain ReLU source, trained here if it is not there yet."""
    run = settings.runs / f"{settings.model}_s{seed}"
    if not (run / "source.json").is_file():
        how = TrainSettings(
            weight_decay=settings.weight_decay,
            precision=settings.precision,
            epochs=settings.epochs,
            learning_rate=0.1,
            seed=seed,
        )
        request = TrainRequest(out=run, model=settings.model, data=settings.data, resume=True, settings=how)
        with progress_bar() as progress:
            train.run(request, on_progress=progress)
    return run


def measure(run: Path, seed: int, per_channel: bool) -> dict[str, float]:
    """Test accuracy of the source and of the spiking network at each T, in float32."""
    source, data, _ = of_run(run, data=None, images=ImageSettings())
    assert data is not None
    seen = observe(source, inputs(data.train, data, limit=512, seed=seed))
    networks = {t: build(Exact(timesteps=t, per_channel=per_channel)(source, seen)) for t in TIMESTEPS}
    right = {"source": 0, **{f"T={t}": 0 for t in TIMESTEPS}}
    with torch.inference_mode():
        for x, y in Batches(data.test, batch_size=250, preparation=data.preparation):
            right["source"] += correct(interpreter.run(source, x), y)
            for t, network in networks.items():
                right[f"T={t}"] += correct(network(x), y)
    return {name: count / len(data.test) for name, count in right.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--precision", default="32")
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=["per layer", "per channel"])
    parser.add_argument("--seeds", type=lambda text: [int(part) for part in text.split(",")], default=[0, 1, 2])
    parser.add_argument("--runs", type=Path, default=Path("runs/training_free"))
    settings = parser.parse_args()
    began, rows = time.monotonic(), []
    for seed in settings.seeds:
        run = trained(settings, seed)
        about = folder.load_source(run)[1]
        for per_channel in (kind == "per channel" for kind in settings.kinds):
            found = measure(run, seed, per_channel)
            rows.append(
                {
                    "seed": seed,
                    "per_channel": per_channel,
                    "training": about["settings"],
                    "accuracy": found,
                }
            )
            print(
                seed,
                "per channel" if per_channel else "per layer",
                {k: f"{v:.2%}" for k, v in found.items()},
                flush=True,
            )
    lost = {
        kind: {
            f"T={t}": 100 * statistics.mean(
                row["accuracy"]["source"] - row["accuracy"][f"T={t}"] for row in rows if row["per_channel"] is flag
            )
            for t in TIMESTEPS
        }
        for kind, flag in (("per layer", False), ("per channel", True))
        if kind in settings.kinds
    }  # fmt: skip
    result = {
        "shows": f"points of test accuracy lost by training-free conversion: {settings.model}, {settings.data}",
        "against_print": "the papers train or fine-tune every source; this needs neither, so there is no printed row",
        **conditions(began, seeds=settings.seeds),
        "points_lost_mean": lost,
        "rows": rows,
    }
    write_json(Path(__file__).with_name(f"training_free_{settings.model}_{settings.data}.json"), result)
    for kind, values in lost.items():
        print(kind, {name: f"{points:+.2f}" for name, points in values.items()})


if __name__ == "__main__":
    main()
