"""Table 1 (CIFAR-10), Table 9 (CIFAR-100) and Table 2 (ImageNet) of "When SNN meets ANN": accuracy and spikes over T.

The paper's recipe (A.1): SGD with momentum 0.9, rate 0.02 (0.1 on ImageNet), cosine, decay 5e-4 (1e-4), crop, flip,
Cutout 16, AutoAugment, 600 epochs (300), 15 levels here for its Q = 16 there; with and without the bit penalty.
It needs a graphics processor, and for CIFAR-100 and ImageNet the data: a folder, or the hub.

    python reproduce/table1.py --model vgg16 --data cifar10 --epochs 600 --device cuda --precision bf16-mixed
    python reproduce/table1.py --model resnet34 --data /data/imagenet --epochs 300 --learning-rate 0.1 \\
        --weight-decay 1e-4 --size 224 --sparsity 5e-10 --device cuda

NOT RUN: no result is committed beside it until a machine with a graphics processor has made one.
"""

import argparse
import time
from pathlib import Path

import torch
from conditions import conditions

from spikewright.ann import interpreter
from spikewright.app.runs.acquire import ImageSettings, of_run
from spikewright.app.runs.train import TrainRequest, train
from spikewright.conversion.methods.exact import Exact
from spikewright.data import Batches
from spikewright.data.files import write_json
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.measure.accuracy import correct
from spikewright.measure.cost.synops import Counts, spikes_per_neuron
from spikewright.training.settings import TrainSettings

TIMESTEPS = (2, 3, 4, 5, 6, 7, 8)
# accuracy in per cent at T = 2, 4, 6, 8, as printed
PRINTED = {
    ("vgg16", "cifar10"): (94.21, 95.82, 95.79, 95.82),
    ("resnet18", "cifar10"): (96.12, 96.68, 96.65, 96.67),
    ("resnet20", "cifar10"): (86.9, 93.60, 93.57, 93.66),
    ("resnet34", "imagenet"): (54.27, 75.12, 75.00, 75.02),
    ("mobilenetv2", "imagenet"): (22.62, 68.81, 68.89, 68.98),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--epochs", type=int, default=600)
    parser.add_argument("--learning-rate", type=float, default=0.02)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--sparsity", type=float, default=0.0, help="per sample: the paper's λ times its batch")
    parser.add_argument("--size", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="32")
    parser.add_argument("--no-autoaugment", action="store_true")
    parser.add_argument("--runs", type=Path, default=Path("runs/table1"))
    settings = parser.parse_args()
    began = time.monotonic()
    name = f"{settings.model}_{Path(settings.data).name}_{settings.sparsity:g}_s{settings.seed}"
    run = settings.runs / name
    if not (run / "source.json").is_file():
        size = None if settings.size is None else (settings.size, settings.size)
        request = TrainRequest(
            out=run, model=settings.model, data=settings.data, levels=15, size=size, augment=True, resume=True
        )
        how = TrainSettings(
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            batch_size=settings.batch_size,
            sparsity=settings.sparsity,
            cutout=16,
            autoaugment=not settings.no_autoaugment,
            device=settings.device,
            precision=settings.precision,
            seed=settings.seed,
        )
        train(request, how, progress=True)
    source, data, about = of_run(run, data=None, images=ImageSettings())
    assert data is not None
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    batches = Batches(data.test, batch_size=250, preparation=data.preparation)
    arrays = {key: array.to(device) for key, array in source.arrays.items()}
    rows = []
    with torch.inference_mode():
        right = sum(correct(interpreter.run(source, x.to(device), arrays=arrays).cpu(), y) for x, y in batches)
        for timesteps in TIMESTEPS:
            network = build(Exact(timesteps=timesteps)(source)).to(device)
            counts, spiking = Counts.empty(network.plan), 0
            for x, y in batches:
                for record in network.collapse(x.to(device)):
                    counts = counts.add(record)
                    if not isinstance(record, StageRecord):
                        spiking += correct(record.codes.cpu(), y)
            accuracy = 100 * spiking / len(data.test)
            rows.append({"timesteps": timesteps, "accuracy": accuracy, "spikes_per_neuron": spikes_per_neuron(counts)})
            print(rows[-1], flush=True)
    printed = PRINTED.get((settings.model, Path(settings.data).name))
    result = {
        "shows": f"{settings.model} on {data.name}: accuracy and spikes over T",
        "against_print": {"T": [2, 4, 6, 8], "accuracy": printed},
        **conditions(began, seeds=[settings.seed]),
        "training": about["settings"],
        "accuracy_source": 100 * right / len(data.test),
        "rows": rows,
    }
    write_json(Path(__file__).with_name(f"table1_{name}.json"), result)


if __name__ == "__main__":
    main()
