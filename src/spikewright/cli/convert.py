"""`spikewright convert`: a trained source in, a spiking network out."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from spikewright.cli import options


def convert(
    run: Annotated[Path | None, Argument(help="run folder of a trained source", metavar="RUN")] = None,
    out: Annotated[Path | None, Option(help="run folder to write")] = None,
    model: Annotated[str | None, Option(help="in place of a run: a model's name, or package.module:factory")] = None,
    weights: Annotated[Path | None, Option(help="its trained weights (.safetensors, .pt, .pth)")] = None,
    data: options.Data = None,
    method: Annotated[str, Option(help="how to convert")] = "exact",
    timesteps: Annotated[int, Option(help="T; the exact method has 2^T − 1 levels")] = 4,
    per_channel: Annotated[
        bool, Option("--per-channel", help="a threshold per channel where training set none")
    ] = False,
    calibration: Annotated[int, Option(help="training images that set untrained thresholds")] = 512,
    settings: Annotated[list[str] | None, Option("--set", help="another setting of the method, key=value")] = None,
    mean: options.Mean = None,
    std: options.Std = None,
    size: options.Size = None,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    json: options.Json = None,
) -> None:
    """Convert a run, or a model of your own, to a spiking network."""
    from spikewright.cli.console import console, counted
    from spikewright.errors import BadSetting
    from spikewright.folder import write_json
    from spikewright.metrics.latency import latency_steps
    from spikewright.runs.convert import ConvertRequest
    from spikewright.runs.convert import convert as run_conversion

    options.on_cpu("convert", device)
    if out is None:
        raise BadSetting("convert: give --out, the run folder to write")
    chosen = {"timesteps": timesteps, "per_channel": per_channel, **options.settings(settings or [])}
    images = options.images(mean, std, size, seed)
    request = ConvertRequest(
        out=out, run=run, model=model, weights=weights, data=data, method=method, settings=chosen,
        calibration=calibration, images=images,
    )  # fmt: skip
    network, _, about = run_conversion(request)
    how = about["conversion"]
    console.print(
        f"{out}: {counted(len(network.plan.stages), 'stage')} of {counted(how['settings']['timesteps'], 'timestep')}, "
        f"{latency_steps(network.plan)} steps from image to result; thresholds: {how['thresholds']}; "
        + (f"next: spikewright verify {out}" if how["exact"] else "this setting is not exact")
    )
    if json is not None:
        write_json(json, about)
