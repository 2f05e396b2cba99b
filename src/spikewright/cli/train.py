"""`spikewright train`: a model and data in, a run folder with a trained source network out."""

from pathlib import Path
from typing import Annotated, Any

from typer import Option

from spikewright.cli import options


def train(
    out: Annotated[Path, Option(help="run folder to write; must be new or empty, or --resume")],
    model: Annotated[str | None, Option(help="name of a model, or package.module:factory")] = None,
    data: options.Data = None,
    weights: Annotated[Path | None, Option(help="start from these weights (.safetensors, .pt, .pth)")] = None,
    start: Annotated[Path | None, Option("--from", help="fine-tune this trained run, e.g. with --levels")] = None,
    levels: Annotated[int | None, Option(help="largest code of each activation; without: a plain ReLU network")] = None,
    epochs: Annotated[int, Option(help="passes over the training images")] = 3,
    batch_size: Annotated[int, Option(help="images per step")] = 128,
    learning_rate: Annotated[
        float | None, Option(help="default 0.1, or 0.02 from trained weights (--weights, --from)")
    ] = None,
    weight_decay: Annotated[float, Option(help="on weights; never on thresholds, biases, batch norm")] = 5e-4,
    sparsity: Annotated[float, Option(help="price of one bit per sample, e.g. 1e-6")] = 0.0,
    label_smoothing: Annotated[float, Option(help="share of the target spread over all classes")] = 0.0,
    precision: Annotated[str, Option(help="32, bf16-mixed, 16-mixed or 64")] = "32",
    augment: Annotated[
        bool | None,
        Option("--augment/--no-augment", help="shift and mirror the images; default: for cifar10 only"),
    ] = None,
    cutout: Annotated[int, Option(help="blank a square of so many pixels a side, 16 for CIFAR; 0: none")] = 0,
    autoaugment: Annotated[bool, Option("--autoaugment", help="AutoAugment by kornia (extra `augment`)")] = False,
    mean: options.Mean = None,
    std: options.Std = None,
    size: options.Size = None,
    resume: Annotated[bool, Option("--resume", help="go on from the newest checkpoint in --out")] = False,
    seed: Annotated[int, Option(help="of weights, order and augmentation")] = 0,
    device: options.Device = "auto",
    devices: Annotated[int, Option(help="how many; each takes its share of every batch")] = 1,
    json: options.Json = None,
) -> None:
    """Train a network; with --levels its activations are rounded, ready to convert exactly."""
    from spikewright.folder import write_json
    from spikewright.runs.train import TrainRequest
    from spikewright.runs.train import train as run
    from spikewright.training.settings import TrainSettings

    request = TrainRequest(
        out=out, model=model, data=data, weights=weights, start=start, levels=levels, resume=resume,
        mean=options.floats("--mean", mean), std=options.floats("--std", std), size=options.size(size),
        augment=augment,
    )  # fmt: skip
    settings = TrainSettings(
        epochs=epochs, batch_size=batch_size, weight_decay=weight_decay, label_smoothing=label_smoothing,
        learning_rate=request.learning_rate if learning_rate is None else learning_rate,
        sparsity=sparsity, precision=precision, device=device, devices=devices, seed=seed,
        cutout=cutout, autoaugment=autoaugment,
    )  # fmt: skip
    _, report, about = run(request, settings, progress=True)
    if json is not None:
        write_json(json, about)
    if about.get("left_out"):
        print(f"note: trained without the model's {about['left_out']}: the captured graph is that of evaluation mode")
    print(_summary(out, about, report.seconds))


def _summary(out: Path, about: dict[str, Any], seconds: float) -> str:
    kind = "plain ReLU" if about["levels"] is None else f"levels {about['levels']}"
    return (
        f"{out}: {about['model']} on {about['data']}, {kind}: validation {about['accuracy_validation']:.2%}, "
        f"test {about['accuracy_test']:.2%}, {seconds:.0f} s"
    )
