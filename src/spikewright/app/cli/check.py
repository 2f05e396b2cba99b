"""`spikewright check`: all of a model that cannot be converted, by kind, with the ways out; or what it comes to."""

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from spikewright.app.cli import options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spikewright.app.runs.check import Refusals
    from spikewright.measure.cost.inventory import Inventory

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
    from spikewright.app.cli.console import console, counted, progress_bar
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
        console.print(f"{model}: {counted(len(result.obstacles), 'obstacle')} of {counted(len(result.kinds), 'kind')}")
        for kind in result.kinds:
            _show_kind(kind)
        raise typer.Exit(1)
    stages = counted(result.stages, "spiking stage")
    console.print(f"{model} converts: {stages}, {result.nodes} nodes, {result.parameters:,} numbers")
    if result.left is not None:
        _show_left(result.left)


def _show_kind(kind: "Refusals") -> None:
    """What it is and why, the way out, and where: a line each."""
    from spikewright.app.cli.console import console

    found = kind.obstacles
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    because = f": {kind.why}" if kind.why else ""
    console.print(f"\n{len(found)}× {kind.what}{because}", soft_wrap=True, markup=False)
    if kind.way_out:
        console.print(f"   way out: {kind.way_out}", soft_wrap=True, markup=False)
    console.print(f"   in {', '.join(each.path for each in found[:SHOWN])}{more}", soft_wrap=True, markup=False)
    if found[0].line:
        console.print(f"   first at {found[0].line}", soft_wrap=True, markup=False)


def _show_left(left: "Inventory") -> None:
    """Stages by law, what is computed with numbers, and how many multiplications that leaves."""
    from spikewright.app.cli.console import console, counted

    def listed(counts: "Mapping[str, int]") -> str:
        return ", ".join(f"{count} {name}" for name, count in counts.items())

    console.print(f"stages by neuron: {listed(left.stages_by_law) or 'none'}")
    graded = f" ({listed(left.graded_by_operation)})" if left.graded_nodes else ""
    console.print(f"computed with numbers, not with spikes: {counted(left.graded_nodes, 'node')}{graded}")
    share = left.macs_per_sample / left.macs_dense_per_sample if left.macs_dense_per_sample else 0.0
    console.print(
        f"multiplications left: {left.macs_per_sample:,} an input, {share:.1%} of the "
        f"{left.macs_dense_per_sample:,} of the network that it was"
    )
