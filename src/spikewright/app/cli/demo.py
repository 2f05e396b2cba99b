"""`spikewright demo`: the main job from beginning to end, on the digits that come with scikit-learn."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from spikewright.app.cli import options


def demo(
    out: Annotated[Path, options.out("folder to keep the demo's runs in")] = Path("runs/demo"),
    timesteps: Annotated[int, Option(help="T")] = 4,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    json: options.Json = None,
) -> None:
    """Train, convert, verify and measure on handwritten digits; offline, under two minutes."""
    from spikewright.app.cli.console import console, progress_bar
    from spikewright.app.cli.figures import show
    from spikewright.app.runs import demo as verb

    options.on_cpu("demo", device)
    console.print("A small convolutional network learns to read digits, then becomes spikes.")
    request = verb.DemoRequest(out=out, seed=seed, timesteps=timesteps)
    with progress_bar() as progress:
        shown = verb.run(request, on_progress=progress)
    options.write(json, shown)
    show(f"digits, {out}", shown.evaluation, verdict=shown.certificate.line())
    console.print(f"next: spikewright verify {out}/spiking, or train your own: spikewright train --help")
    if not shown.certificate.equal:
        raise typer.Exit(1)
