"""`spikewright train`: a model and data in, a run folder with a trained source network out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from spikewright.app.cli import options
from spikewright.errors import BadSetting, nearest

if TYPE_CHECKING:
    from spikewright.training.snn.settings import SpikingTraining
    from spikewright.training.timesteps.settings import TimestepSettings


def train(
    out: Annotated[Path, options.out("run folder to write")],
    model: Annotated[str | None, Option(help="name of a model, or package.module:factory")] = None,
    data: options.Data = None,
    weights: Annotated[Path | None, Option(help="start from these weights (.safetensors, .pt, .pth)")] = None,
    start: Annotated[Path | None, Option("--from", help="fine-tune this trained run, e.g. with --levels")] = None,
    levels: Annotated[int | None, Option(help="largest code of each activation; without: a plain ReLU network")] = None,
    slip: Annotated[float, Option(help="share of the plain clip mixed into the rounding (SlipReLU), e.g. 0.4")] = 0.0,
    learn_timesteps: Annotated[
        bool, Option("--learn-timesteps", help="learn how many timesteps each activation takes")
    ] = False,
    target_timesteps: Annotated[
        float | None, Option(help="mean timesteps to come down to; without: every step has its price")
    ] = None,
    timestep_penalty: Annotated[float | None, Option(help="price of one step of one layer")] = None,
    timestep_weighting: Annotated[
        str | None, Option(help="the mean is over layers (uniform), neurons or synops")
    ] = None,
    parametrisation: Annotated[
        str | None, Option(help="what is learned: t_alpha (default), n_alpha, n_d or d_alpha")
    ] = None,
    initial_timesteps: Annotated[
        int | None, Option(help="learned timesteps start here; default: the levels of --from, else 4")
    ] = None,
    recipe: Annotated[
        str | None, Option(help="train a spiking network, with the defaults of a paper: paper1 or paper3")
    ] = None,
    timesteps: Annotated[int | None, Option(help="of a spiking network that is trained directly")] = None,
    neuron: Annotated[str | None, Option(help="if (forgets nothing) or lif")] = None,
    leak: Annotated[float | None, Option(help="share of a membrane that is left a step later, 0 to 1")] = None,
    learn_leak: Annotated[bool | None, Option("--learn-leak/--fixed-leak", help="train one leak a layer")] = None,
    threshold: Annotated[float | None, Option(help="what a membrane must reach to fire; a spike is worth 1")] = None,
    reset: Annotated[str | None, Option(help="soft, hard or delayed (soft, a step later)")] = None,
    surrogate: Annotated[
        str | None, Option(help="triangle, rectangle, arctangent, fast_sigmoid or sigmoid, for the spike's slope")
    ] = None,
    surrogate_width: Annotated[float | None, Option(help="how far it reaches; default: the shape's own")] = None,
    encoding: Annotated[str | None, Option(help="direct, rate (Bernoulli spikes) or frames (of events)")] = None,
    loss: Annotated[
        str | None, Option(help="tet, mean, sum, or of spikes (--readout spikes): count, count_mse")
    ] = None,
    readout: Annotated[str | None, Option(help="potential, or spikes of neurons after the last layer")] = None,
    biases: Annotated[bool | None, Option("--biases/--no-biases", help="of linear layers and convolutions")] = None,
    weight_bits: Annotated[int | None, Option(help="1, 2 to 16, or 32 for as they are")] = None,
    edge_bits: Annotated[int | None, Option(help="the same for the first and the last layer; default 8")] = None,
    membrane_bits: Annotated[int | None, Option(help="2 to 16, or 32 for as they are")] = None,
    rate_penalty: Annotated[float | None, Option(help="price of firing rates away from one half, e.g. 1e-3")] = None,
    settings: Annotated[
        list[str] | None,
        Option("--set", help="of a spiking network: standardise, scale, estimator, squash, detach_reset, as key=value"),
    ] = None,
    epochs: Annotated[int, Option(help="passes over the training images")] = 3,
    batch_size: Annotated[int | None, Option(help="images per step; default 128, or the recipe's")] = None,
    optimiser: Annotated[
        str | None, Option("--optimiser", "--optimizer", help="sgd, adam or adamw; default sgd, or the recipe's")
    ] = None,
    learning_rate: Annotated[
        float | None,
        Option(
            "--learning-rate",
            "--lr",
            help="default 0.1, or 0.02 from trained weights (--weights, --from), or the recipe's",
        ),
    ] = None,
    weight_decay: Annotated[
        float | None, Option(help="on weights, never on thresholds, biases, batch norm; default 5e-4, or the recipe's")
    ] = None,
    sparsity: Annotated[float, Option(help="price of one bit per sample, e.g. 1e-6")] = 0.0,
    label_smoothing: Annotated[float, Option(help="share of the target spread over all classes")] = 0.0,
    class_weights: Annotated[
        str | None, Option(help="balanced: every class weighs the same, however few samples it has")
    ] = None,
    precision: Annotated[str, Option(help="32, bf16-mixed, 16-mixed or 64")] = "32",
    augment: Annotated[
        bool | None,
        Option("--augment/--no-augment", help="shift and mirror the images; default: for cifar10 only"),
    ] = None,
    cutout: Annotated[int, Option(help="blank a square of so many pixels a side, 16 for CIFAR; 0: none")] = 0,
    autoaugment: Annotated[bool, Option("--autoaugment", help="AutoAugment by kornia (extra `augment`)")] = False,
    frames_by: Annotated[str, Option(help="event data: windows of equal time, or of equal count of events")] = "time",
    binary: Annotated[bool, Option("--binary", help="event data: at most one event a pixel and frame")] = False,
    time_unit: Annotated[
        str | None, Option(help="event data in .npy, .npz, .txt: what times are in, s, ms, us or ns")
    ] = None,
    sensor: Annotated[str | None, Option(help="event data: HEIGHTxWIDTH of the camera, as 180x240")] = None,
    stray: Annotated[
        str | None, Option(help="event data: refuse a recording with events outside the sensor, or drop them")
    ] = None,
    polarity: Annotated[
        str | None, Option(help="event data in .npy, .npz, .txt: darker and brighter are 0/1 (default) or -1/1")
    ] = None,
    mirror: Annotated[bool, Option("--mirror", help="event data: mirror half of them; not for gestures")] = False,
    polarity_flip: Annotated[float, Option(help="event data: chance of exchanged polarities")] = 0.0,
    event_drop: Annotated[float, Option(help="event data: chance that an event is lost")] = 0.0,
    mean: options.Mean = None,
    std: options.Std = None,
    size: options.Size = None,
    label: options.Label = None,
    resume: Annotated[
        bool, Option("--resume", help="go on from the newest checkpoint in --out, also of a training that ended")
    ] = False,
    overwrite: options.Overwrite = False,
    seed: Annotated[int, Option(help="of weights, order and augmentation")] = 0,
    device: options.Device = "auto",
    devices: Annotated[int, Option(help="how many; each takes its share of every batch")] = 1,
    json: options.Json = None,
) -> None:
    """Train a network; with --levels its activations are rounded, ready to convert exactly."""
    from spikewright.app.cli.console import console, progress_bar
    from spikewright.app.runs import train as verb
    from spikewright.measure.accuracy import far_from_mean, lowest_first
    from spikewright.training.settings import TrainSettings

    given = {
        "timesteps": timesteps, "neuron": neuron, "leak": leak, "learn_leak": learn_leak, "threshold": threshold,
        "reset": reset, "surrogate": surrogate, "surrogate_width": surrogate_width, "encoding": encoding,
        "loss": loss, "readout": readout, "biases": biases, "weight_bits": weight_bits, "edge_bits": edge_bits,
        "membrane_bits": membrane_bits, "rate_penalty": rate_penalty, **_without_flag(settings or []),
    }  # fmt: skip
    trained_by = {
        "optimiser": optimiser, "learning_rate": learning_rate, "weight_decay": weight_decay, "batch_size": batch_size,
    }  # fmt: skip
    spiking, trained_by = _spiking(recipe, given, trained_by, data=data, seed=seed)
    usual = {"learning_rate": verb.usual_learning_rate(trained=weights is not None or start is not None)}
    request = verb.TrainRequest(
        spiking=spiking,
        out=out, model=model, data=data, weights=weights, start=start, levels=levels, resume=resume,
        slip=slip, initial_timesteps=initial_timesteps, images=options.images(mean, std, size, label=label),
        augment=augment, overwrite=overwrite, frames_by=frames_by, binary=binary,  # pyright: ignore[reportArgumentType]
        recording=options.recording(time_unit=time_unit, sensor=sensor, stray=stray, polarity=polarity),
        settings=TrainSettings(
            epochs=epochs, label_smoothing=label_smoothing, class_weights=class_weights, **{**usual, **trained_by},
            timesteps=_timesteps(
                learn_timesteps, target_timesteps=target_timesteps, timestep_penalty=timestep_penalty,
                timestep_weighting=timestep_weighting, parametrisation=parametrisation,
            ),
            sparsity=sparsity, precision=precision, device=device, devices=devices, seed=seed,
            cutout=cutout, autoaugment=autoaugment, mirror=mirror, polarity_flip=polarity_flip, event_drop=event_drop,
        ),
    )  # fmt: skip
    with progress_bar() as progress:
        result = verb.run(request, on_progress=progress)
    options.write(json, result)
    about = result.about
    if about.get("left_out"):
        console.print(
            f"note: trained without the model's {about['left_out']}: the captured graph is that of evaluation mode"
        )
    if target_timesteps is not None and about["timesteps_mean_weighted"] > target_timesteps:
        console.print(
            f"note: mean timesteps came down to {about['timesteps_mean_weighted']:.2f}, not {target_timesteps}: "
            "train longer, or with a higher --timestep-penalty"
        )
    console.print(_summary(out, about, result.report.seconds))
    last = result.report.epochs[-1]
    if far_from_mean(last.accuracy_validation, last.accuracy_balanced):
        worst, share = lowest_first(last.accuracy_by_class)[0]
        console.print(
            f"warning: validation {last.accuracy_validation:.2%} is {last.accuracy_balanced:.2%} as the mean of the "
            f"classes, {share:.2%} of class {worst}: take --class-weights balanced, or more data"
        )


def _timesteps(learn: bool, **given: Any) -> "TimestepSettings | None":
    """The settings of learned timesteps; options that were not given keep their default."""
    from spikewright.training.timesteps.settings import TimestepSettings

    asked = {name: value for name, value in given.items() if value is not None}
    if asked and not learn:
        raise BadSetting(f"--{min(asked).replace('_', '-')} is for learned timesteps: add --learn-timesteps")
    return TimestepSettings(**asked) if learn else None


def _without_flag(pairs: list[str]) -> dict[str, str]:
    """The settings of `--set`; what has a flag is to be given by it, where its number is read."""
    from spikewright.training.snn.recipes import DEFAULTS, WITHOUT_FLAG

    found = options.settings(pairs)
    for name in found:
        if name in DEFAULTS and name not in WITHOUT_FLAG:
            raise BadSetting(f"--set {name}: this has a flag of its own, --{name.replace('_', '-')}")
        if name not in WITHOUT_FLAG:
            raise BadSetting(f"--set {name}: there is no such setting: {nearest(name, WITHOUT_FLAG)}")
    return found


def _spiking(
    recipe: str | None, given: dict[str, Any], trained_by: dict[str, Any], *, data: str | None, seed: int
) -> "tuple[SpikingTraining | None, dict[str, Any]]":
    """What to train directly, if anything asks for it, and how it is optimised; only what is given or known."""
    asked = {name: value for name, value in trained_by.items() if value is not None}
    if recipe is None and all(value is None for value in given.values()):
        return None, asked
    from spikewright.data import is_event_data
    from spikewright.training.snn.recipes import OF_TRAINING, options, spiking_training

    if given["encoding"] is None and data is not None and is_event_data(data):
        given = {**given, "encoding": "frames"}
    chosen = options({**given, **trained_by}, recipe)
    return spiking_training(chosen, seed=seed), {name: chosen[name] for name in OF_TRAINING}


def _summary(out: Path, about: dict[str, Any], seconds: float) -> str:
    if about.get("kind") == "spiking":
        return _spiking_summary(out, about, seconds)
    kind = "plain ReLU" if about["levels"] is None else f"levels {about['levels']}"
    kind += f", slip {about['slip']}" if about["slip"] else ""
    if "timesteps" in about:
        windows = ", ".join(str(steps) for steps in about["timesteps"].values())
        kind = f"mean timesteps {about['timesteps_mean']:.2f} ({windows})"
    return (
        f"{out}: {about['model']} on {about['data']}, {kind}: validation {about['accuracy_validation']:.2%}, "
        f"test {about['accuracy_test']:.2%}, {seconds:.0f} s"
    )


def _spiking_summary(out: Path, about: dict[str, Any], seconds: float) -> str:
    network, last = about["spiking"]["network"], about["epochs"][-1]
    neurons, weights = network["neurons"], network["weights"]
    bits = "" if weights is None else f", {weights.get('bits', 1)}-bit weights"
    bits += "" if neurons["membrane_bits"] is None else f", {neurons['membrane_bits']}-bit membranes"
    line = (
        f"{out}: {about['model']} on {about['data']}, spiking, T = {network['timesteps']}{bits}: "
        f"validation {about['accuracy_validation']:.2%}, test {about['accuracy_test']:.2%}, "
        f"{last['firing_rate']:.3f} spikes a neuron and step, {seconds:.0f} s"
    )
    dead = last["dead_stages"]
    return line if not dead else f"{line}\nwarning: no spike on validation from {', '.join(dead)}"
