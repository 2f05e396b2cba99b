"""`spikewright check`: every layer of a model that cannot become spikes, at once, with the way out of each."""

from typing import Annotated

import typer
from typer import Option

from spikewright.app.cli import options


def check(
    model: options.Model,
    data: options.Data = None,
    weights: options.Weights = None,
    shape: Annotated[str | None, Option(help="in place of --data: one input's shape, as 3x224x224")] = None,
    mean: options.Mean = None,
    std: options.Std = None,
    size: options.Size = None,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    json: options.Json = None,
) -> None:
    """List what of a model converts and what does not; exit 1 if anything does not."""
    from spikewright.app.cli.console import console, counted, progress_bar, table
    from spikewright.app.runs.check import CheckRequest, run

    options.on_cpu("check", device)
    request = CheckRequest(
        model=model,
        weights=weights,
        data=data,
        shape=options.shape(shape),
        images=options.images(mean, std, size, seed),
    )
    with progress_bar() as progress:
        result = run(request, on_progress=progress)
    options.write(json, result)
    if result.obstacles:
        rows = [(o.path, o.what, o.way_out, o.line) for o in result.obstacles]
        console.print(
            table(f"{model}: {counted(len(rows), 'obstacle')}", ("layer", "what", "way out", "where"), rows, numbers=9)
        )
        raise typer.Exit(1)
    stages = counted(result.stages, "spiking stage")
    console.print(f"{model} converts: {stages}, {result.nodes} nodes, {result.parameters:,} numbers")
