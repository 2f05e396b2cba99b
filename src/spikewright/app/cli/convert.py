"""`spikewright convert`: a trained source in, a spiking network out."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from spikewright.app.cli import options


def convert(
    run: Annotated[Path | None, Argument(help="run folder of a trained source", metavar="RUN")] = None,
    out: Annotated[Path | None, options.out("run folder to write")] = None,
    model: Annotated[
        str | None, Option(help="in place of a run: a model's name, package.module:factory, timm:NAME or hf:FOLDER")
    ] = None,
    weights: options.Weights = None,
    random_weights: Annotated[
        bool, Option("--random-weights", help="in place of --weights: convert the model as it is made, untrained")
    ] = False,
    data: options.Data = None,
    method: Annotated[str, Option(help="how to convert: a method's name, or auto")] = "exact",
    timesteps: Annotated[
        str | None,
        Option(
            help="T, or one for each activation: 3,2,4; the exact method has 2^T − 1 levels; default 4, qac: learned"
        ),
    ] = None,
    alignment: Annotated[
        str | None, Option(help="of trains of different length: average|replicate, or expansion,reduction (truncate)")
    ] = None,
    calibrate: Annotated[
        bool, Option("--calibrate", help="train thresholds and initial potentials afterwards, on training images")
    ] = False,
    calibration_epochs: Annotated[
        int | None, Option(help="with --calibrate: passes over those images; default 20")
    ] = None,
    max_accuracy_drop: Annotated[
        float | None, Option(help="with --method auto: points below the source that are allowed; default 1")
    ] = None,
    weight_bits: Annotated[
        int | None, Option(help="round the trained weights to 2 to 16 bits; judged on validation images")
    ] = None,
    per_channel: Annotated[
        bool, Option("--per-channel", help="a threshold per channel where training set none")
    ] = False,
    points: Annotated[
        bool, Option("--points", help="spikes in front of every product that would read numbers, as attention's do")
    ] = False,
    calibration: options.Calibration = 512,
    settings: Annotated[list[str] | None, Option("--set", help="another setting of the method, key=value")] = None,
    mean: options.Mean = None,
    std: options.Std = None,
    size: options.Size = None,
    label: options.Label = None,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
    overwrite: options.Overwrite = False,
    json: options.Json = None,
) -> None:
    """Convert a run, or a model of your own, to a spiking network."""
    from spikewright.app.cli.console import console, counted, progress_bar
    from spikewright.app.runs import convert as verb
    from spikewright.errors import BadSetting
    from spikewright.measure.cost.latency import latency_steps, timesteps_mean

    options.on_cpu("convert", device)
    if out is None:
        raise BadSetting("convert: give --out, the run folder to write")
    chosen: dict[str, Any] = {**options.settings(settings or [])}
    if timesteps is not None:
        chosen["timesteps"] = options.timesteps(timesteps)
    elif method not in ("qac", "auto"):
        chosen.setdefault("timesteps", 4)
    if alignment is not None:
        chosen["alignment"] = alignment
    if per_channel:
        chosen["per_channel"] = True
    request = verb.ConvertRequest(
        out=out, run=run, model=model, weights=weights, random_weights=random_weights, data=data, method=method,
        settings=chosen, calibration=calibration, calibrate=calibrate, calibration_epochs=calibration_epochs,
        max_accuracy_drop=max_accuracy_drop, weight_bits=weight_bits, points=points,
        images=options.images(mean, std, size, seed, label),
        overwrite=overwrite,
    )  # fmt: skip
    with progress_bar() as progress:
        result = verb.run(request, on_progress=progress)
    options.write(json, result)
    network, how = result.network, result.about["conversion"]
    if "line" in how:
        console.print(how["line"])
    if "weights" in how:
        console.print(how["weights"]["line"])
    windows = sorted({node.firing.code.timesteps for node in network.plan.stages})
    if len(windows) > 1:
        shown = f"{windows[0]} to {windows[-1]} timesteps, {timesteps_mean(network.plan):.2f} on average"
    else:
        shown = counted(windows[0] if windows else 0, "timestep")
    if network.plan.warmup:
        shown += f" after a warm-up of {network.plan.warmup}"
    console.print(
        f"{out}: {counted(len(network.plan.stages), 'stage')} of {shown}, "
        f"{latency_steps(network.plan)} steps from image to result; thresholds: {how['thresholds']}; "
        + (f"next: spikewright verify {out}" if how["exact"] else f"not exact; next: spikewright evaluate {out}")
    )
