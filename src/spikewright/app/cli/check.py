"""`spikewright check`: every layer of a model that cannot become spikes, at once, with the way out of each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from spikewright.app.cli import options

if TYPE_CHECKING:
    from spikewright.errors import Obstacle

SHOWN = 3  # layers of a kind that are named


def check(
    model: options.Model,
    data: options.Data = None,
    weights: options.Weights = None,
    shape: Annotated[str | None, Option(help="in place of --data: one input's shape, as 3x224x224")] = None,
    mean: options.Mean = None,
    std: options.Std = None,
    size: options.Size = None,
    label: options.Label = None,
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
        images=options.images(mean, std, size, seed, label),
    )
    with progress_bar() as progress:
        result = run(request, on_progress=progress)
    options.write(json, result)
    if result.obstacles:
        title = f"{model}: {counted(len(result.obstacles), 'obstacle')}"
        columns = ("how often", "what", "way out", "layers", "where, the first")
        console.print(table(title, columns, _by_kind(result.obstacles), numbers=9))
        raise typer.Exit(1)
    stages = counted(result.stages, "spiking stage")
    console.print(f"{model} converts: {stages}, {result.nodes} nodes, {result.parameters:,} numbers")


def _by_kind(obstacles: "Sequence[Obstacle]") -> list[tuple[str, ...]]:
    """One row for each kind of obstacle, the most frequent first: how often, what, the way out, where."""
    kinds: dict[tuple[str, str], list[Obstacle]] = {}
    for each in obstacles:
        kinds.setdefault((each.what, each.way_out), []).append(each)
    rows = []
    for (what, way_out), found in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        layers = ", ".join(each.path for each in found[:SHOWN]) + more
        rows.append((f"{len(found)}×", what, way_out, layers, found[0].line))
    return rows
