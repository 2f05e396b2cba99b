"""`spikewright bench`: a run's network in every engine, side by side, on this machine."""

from typing import TYPE_CHECKING, Annotated

from typer import Option

from spikewright.app.cli import options

if TYPE_CHECKING:
    from spikewright.app.runs.bench import BenchResult

UNSTEADY = 0.1  # between two ways to compare the same times, as a share


def bench(
    run: options.Run,
    data: options.Data = None,
    batch: Annotated[int, Option(help="images at once")] = 64,
    rounds: Annotated[int, Option(help="how often each engine is timed; medians are shown")] = 15,
    threads: Annotated[int | None, Option(help="default: as many as PyTorch takes")] = None,
    energy_table: options.EnergyTable = "horowitz_int32",
    mean: options.Mean = None,
    std: options.Std = None,
    size: options.Size = None,
    label: options.Label = None,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    json: options.Json = None,
) -> None:
    """Show time, memory and energy of a run's network in every engine, on the CPU."""
    from spikewright.app.runs import bench as verb

    options.on_cpu("bench", device, does="times engines on the CPU")
    images = options.images(mean, std, size, seed, label)
    request = verb.BenchRequest(
        run=run, data=data, images=images, batch=batch, rounds=rounds, threads=threads, energy_table=energy_table
    )
    result = verb.run(request)
    options.write(json, result)
    _show(result)


def _show(result: "BenchResult") -> None:
    from spikewright.app.cli.console import console, table
    from spikewright.app.cli.figures import joules, octets

    rows = []
    for row in result.rows:
        if row.milliseconds is None or row.ratio is None or row.samples_per_second is None:
            continue
        rows.append(
            (
                row.engine,
                f"{row.milliseconds:.2f}",
                f"{row.ratio:.2f}×",
                f"{row.samples_per_second:,.0f}",
                "—" if row.codes_that_differ is None else f"{row.codes_that_differ:,}",
                "—" if row.weight_bytes is None else octets(row.weight_bytes),
                "—" if row.energy_joules is None else joules(row.energy_joules),
            )
        )
    table_name = next((row.energy_table for row in result.rows if row.energy_table is not None), "")
    title = f"{result.run}: batches of {result.batch}, medians of {result.rounds} rounds, energy by {table_name}"
    heads = ("engine", "ms", "time", "images/s", "codes that differ", "weights", "energy an image")
    console.print(table(title, heads, rows))
    for row in result.rows:
        if row.obstacle is not None:
            console.print(f"{row.engine}: not run: {row.obstacle}")
        elif row.arithmetic is not None:
            console.print(f"{row.engine}: {row.arithmetic}")
        if row.ratio and row.ratio_in_round and abs(row.ratio_in_round / row.ratio - 1) > UNSTEADY:
            console.print(
                f"{row.engine}: {row.ratio:.2f}× by the medians, {row.ratio_in_round:.2f}× within a round: the machine "
                "was busy: run again, with more --rounds"
            )
    console.print(
        "time: ms by those of the first row; energy: mean over the batch; "
        f"codes that differ: of {result.codes:,}, from float64; "
        f"processor: {result.processor.get('name', result.processor['machine'])}, "
        f"{result.processor['capability']}, {result.processor['threads']} threads"
    )
