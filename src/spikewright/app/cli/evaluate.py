"""`spikewright evaluate`: accuracy, equality, spikes, energy, memory and speed of a converted run."""

from typing import Annotated, Any

from typer import Option

from spikewright.app.cli import options


def evaluate(
    run: options.Run,
    data: options.Data = None,
    images: Annotated[int | None, Option(help="test images to use, the first ones; default all")] = None,
    codes_images: Annotated[int, Option(help="images to certify codes on")] = 1000,
    batch_size: Annotated[int, Option(help="images run at once")] = 250,
    engine: Annotated[str, Option(help="auto: float64 where affordable, float: float32, int8, packed")] = "auto",
    energy_table: options.EnergyTable = "horowitz_int32",
    output: options.Output = None,
    noise: Annotated[float, Option(help="Gaussian input noise, as a share of the input's range")] = 0.0,
    mean: options.Mean = None,
    std: options.Std = None,
    size: options.Size = None,
    label: options.Label = None,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    json: options.Json = None,
) -> None:
    """Measure a converted run on the test split."""
    from spikewright.app.cli.console import progress_bar
    from spikewright.app.cli.figures import show
    from spikewright.app.runs import evaluate as verb
    from spikewright.measure.evaluation import EvaluateSettings

    settings: Any = EvaluateSettings(
        batch_size=batch_size, codes_images=codes_images, images=images, engine=engine,  # pyright: ignore[reportArgumentType]
        energy_table=energy_table, device=device, noise=noise, seed=seed, output=output,
    )  # fmt: skip
    request = verb.EvaluateRequest(
        run=run, data=data, images=options.images(mean, std, size, seed, label), settings=settings
    )
    with progress_bar() as progress:
        result = verb.run(request, on_progress=progress)
    options.write(json, result)
    show(f"{run}", result.evaluation)
