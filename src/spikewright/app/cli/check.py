"""`spikewright check`: every layer of a model that cannot become spikes, at once, with the way out of each."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from spikewright.app.cli import options


def check(
    model: Annotated[str, Option(help="a model's name, or package.module:factory")],
    data: options.Data = None,
    weights: Annotated[Path | None, Option(help="its trained weights (.safetensors, .pt, .pth)")] = None,
    shape: Annotated[str | None, Option(help="in place of --data: one input's shape, as 3x224x224")] = None,
    mean: options.Mean = None,
    std: options.Std = None,
    size: options.Size = None,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    json: options.Json = None,
) -> None:
    """List what of a model converts and what does not; exit 1 if anything does not."""
    from spikewright.app.cli.console import console, counted, table
    from spikewright.app.runs.check import check as run_check
    from spikewright.data.files import write_json

    options.on_cpu("check", device)
    images = options.images(mean, std, size, seed)
    report = run_check(model, weights=weights, data=data, shape=options.shape(shape), images=images)
    if json is not None:
        write_json(json, report.to_json())
    if report.obstacles:
        rows = [(o.path, o.what, o.way_out, o.line) for o in report.obstacles]
        console.print(
            table(f"{model}: {counted(len(rows), 'obstacle')}", ("layer", "what", "way out", "where"), rows, numbers=9)
        )
        raise typer.Exit(1)
    stages = counted(report.stages, "spiking stage")
    console.print(f"{model} converts: {stages}, {report.nodes} nodes, {report.parameters:,} numbers")
