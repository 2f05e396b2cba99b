"""`spikewright compare`: conversion methods and timesteps side by side, on one source."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from spikewright.app.cli import options

METHODS = "exact,qcfs,percentile_norm,opi,srp,cos"


def compare(
    run: Annotated[Path, Argument(help="run folder of a trained source", metavar="RUN")],
    methods: Annotated[
        str, Option(help="names with commas between them; a setting after a colon: qcfs:alignment=average,cos:rounds=3")
    ] = METHODS,
    timesteps: Annotated[
        str, Option(help="T of each row; exact has 2^T − 1 levels, and is left out above 16")
    ] = "1,2,4,8",
    data: options.Data = None,
    out: Annotated[
        Path | None,
        options.out("folder for the rows and the page; default RUN/compare"),
    ] = None,
    split: Annotated[str, Option(help="what accuracies are read on: test or validation")] = "test",
    images: Annotated[int | None, Option(help="images of it, the first ones; default all")] = None,
    calibration: options.Calibration = 512,
    energy_table: options.EnergyTable = "horowitz_int32",
    mean: options.Mean = None,
    std: options.Std = None,
    size: options.Size = None,
    label: options.Label = None,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    json: options.Json = None,
) -> None:
    """Compare conversions of a trained run; interrupted, it goes on where it was."""
    from spikewright.app.cli.console import console, progress_bar, table
    from spikewright.app.cli.figures import joules
    from spikewright.app.runs import compare as verb

    options.on_cpu("compare", device)
    request = verb.CompareRequest(
        run=run, methods=options.names("--methods", methods), timesteps=options.counts("--timesteps", timesteps),
        data=data, out=out, split=split, samples=images, calibration=calibration, energy_table=energy_table,
        images=options.images(mean, std, size, seed, label),
    )  # fmt: skip
    with progress_bar() as progress:
        result = verb.run(request, on_progress=progress)
    options.write(json, result)
    columns = (
        "method",
        "T",
        "mean T",
        "steps to result",
        "accuracy",
        "to source",
        "spikes a neuron",
        "energy an image",
    )
    cells = [
        (
            row.method, row.timesteps, f"{row.timesteps_mean:g}", row.latency_steps, f"{row.accuracy_snn:.2%}",
            f"{100 * (row.accuracy_snn - (row.accuracy_source or 0)):+.2f}", f"{row.spikes_per_neuron or 0:.2f}",
            joules(row.energy_joules_snn or 0.0),
        )
        for row in result.rows
    ]  # fmt: skip
    source = f"source {result.rows[0].accuracy_source:.2%}, {split} images" if result.rows else "no rows"
    source += f", energy by {energy_table}"
    console.print(table(f"{run}: {source}", columns, cells, numbers=1))
    console.print(f"rows: {result.folder / verb.ROWS}; page: {result.folder / verb.PAGE}")
