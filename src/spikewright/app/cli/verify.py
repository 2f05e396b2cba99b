"""`spikewright verify`: the equality certificate of a converted run, stage by stage."""

from typing import Annotated

import typer
from typer import Option

from spikewright.app.cli import options


def verify(
    run: options.Run,
    data: options.Data = None,
    images: Annotated[int, Option(help="images to compare codes on")] = 1000,
    split: Annotated[str, Option(help="train, validation or test")] = "test",
    mean: options.Mean = None,
    std: options.Std = None,
    size: options.Size = None,
    label: options.Label = None,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    json: options.Json = None,
) -> None:
    """Compare every integer code of both engines with the quantised source; exit 1 if any differs."""
    from spikewright.app.cli.console import console, progress_bar, table
    from spikewright.app.runs import verify as verb

    options.on_cpu("verify", device)
    settings = options.images(mean, std, size, seed, label)
    request = verb.VerifyRequest(run=run, data=data, images=settings, samples=images, split=split)
    with progress_bar() as progress:
        result = verb.run(request, on_progress=progress)
    options.write(json, result)
    certificate = result.certificate
    rows = [
        (
            row.stage,
            f"{row.codes:,}",
            row.mismatches_stepwise,
            row.mismatches_collapsed,
            f"{row.active_share:.1%}",
            f"{row.smallest_distance:.1e}",
            f"{row.largest_bound:.1e}",
        )
        for row in certificate.stages
    ]
    columns = ("stage", "codes", "stepwise ≠", "collapsed ≠", "active", "nearest boundary", "rounding bound")
    console.print(table(f"{run}: codes against {certificate.reference}", columns, rows))
    console.print(certificate.line())
    if not certificate.equal:
        raise typer.Exit(1)
