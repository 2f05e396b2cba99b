"""Options that several verbs share, and how their text becomes settings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from typer import Argument, Option

from spikewright.errors import BadSetting

if TYPE_CHECKING:
    from spikewright.app.runs.acquire import ImageSettings
    from spikewright.data.events.recording_settings import RecordingSettings
    from spikewright.reliability.campaign.requirements import Requirement

Run = Annotated[Path, Argument(help="run folder of a converted network", metavar="RUN")]
Data = Annotated[str | None, Option("--data", help="digits, mnist, fashion_mnist, cifar10, a folder or a hub id")]
Model = Annotated[str, Option("--model", help="a model's name, or package.module:factory")]
Weights = Annotated[Path | None, Option("--weights", help="its trained weights (.safetensors, .pt, .pth)")]
Calibration = Annotated[int, Option("--calibration", help="training images that thresholds and calibration look at")]
Output = Annotated[
    str | None, Option(help="which of several outputs tells classes; default: the only one with a row of scores")
]
EnergyTable = Annotated[str, Option("--energy-table", help="constants for energies")]
Mean = Annotated[str | None, Option("--mean", help="input mean per channel, white is 1: 0.49,0.48,0.45")]
Std = Annotated[str | None, Option("--std", help="input standard deviation per channel")]
Size = Annotated[str | None, Option("--size", help="resize images to HEIGHTxWIDTH")]
Label = Annotated[str | None, Option("--label", help="images: the column that holds the labels, where several could")]
Seed = Annotated[int, Option("--seed", help="of the validation split and of anything random")]
Device = Annotated[str, Option("--device", help="auto, cpu, cuda, cuda:1 …")]
Overwrite = Annotated[
    bool,
    Option("--overwrite", help="replace a run that was made otherwise, and its compare and campaigns; none is needed "
           "to make the same again"),
]  # fmt: skip


def place(path: Path | None) -> Path | None:
    """A file to write when all is done: refused at once where it could not be written then."""
    from spikewright.data.files import require_place

    if path is not None:
        require_place(path)
    return path


def folder_place(path: Path | None) -> Path | None:
    """A folder to write into: a name that can be none is refused before the work."""
    from spikewright.data.files import require_name

    if path is not None:
        require_name(path)
    return path


def out(about: str) -> Any:
    """`--out` of a verb that writes a folder."""
    return Option("--out", "-o", help=about, callback=folder_place)


def page_place(path: Path | None) -> Path | None:
    """As `place`, for a page: a name that ends as HTML does."""
    from spikewright.app.pages.page import require_html

    place(path)
    if path is not None:
        require_html(path)
    return path


Json = Annotated[Path | None, Option("--json", help="write the figures here", callback=place)]


def floats(flag: str, text: str | None) -> tuple[float, ...] | None:
    """'0.5,0.4' → (0.5, 0.4)."""
    try:
        return None if text is None else tuple(float(part) for part in text.split(","))
    except ValueError:
        raise BadSetting(f"{flag} is {text!r}: give one number per channel, with commas between them") from None


def size(text: str | None, *, flag: str = "--size") -> tuple[int, int] | None:
    """'32x24' or '32' → (height, width)."""
    if text is None:
        return None
    parts = text.lower().replace(",", "x").split("x")
    if len(parts) > 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise BadSetting(f"{flag} is {text!r}: give HEIGHTxWIDTH in pixels, as 32x32")
    return int(parts[0]), int(parts[-1])


def images(
    mean: str | None, std: str | None, size_text: str | None, seed: int = 0, label: str | None = None
) -> "ImageSettings":
    """How images are prepared, from the options that say so."""
    from spikewright.app.runs.acquire import ImageSettings

    return ImageSettings(
        mean=floats("--mean", mean), std=floats("--std", std), size=size(size_text), seed=seed, label=label
    )


def recording(**given: Any) -> "RecordingSettings | None":
    """What is known of recordings, from the options that were given; None where none was."""
    from spikewright.data.events.recording_settings import RecordingSettings

    asked = {name: value for name, value in given.items() if value is not None}
    if "sensor" in asked:
        asked["sensor"] = size(asked["sensor"], flag="--sensor")
    return RecordingSettings(**asked) if asked else None


def settings(pairs: list[str]) -> dict[str, str]:
    """['key=value', …] → a mapping."""
    found = {}
    for pair in pairs:
        key, mark, value = pair.partition("=")
        if not mark or not key:
            raise BadSetting(f"--set {pair!r} is not key=value")
        found[key.strip().replace("-", "_")] = value.strip()
    return found


def timesteps(text: str) -> int | tuple[int, ...]:
    """'4' → 4; '3,2,4' → (3, 2, 4), one for each activation."""
    try:
        steps = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise BadSetting(f"--timesteps is {text!r}: give a whole number, or several with commas between them") from None
    return steps[0] if len(steps) == 1 else steps


def names(flag: str, text: str) -> tuple[str, ...]:
    """'exact, qcfs' → ('exact', 'qcfs')."""
    found = tuple(part.strip() for part in text.split(","))
    if not all(found):
        raise BadSetting(f"{flag} is {text!r}: give names with commas between them")
    return tuple(dict.fromkeys(found))


def counts(flag: str, text: str) -> tuple[int, ...]:
    """'1,2,4' → (1, 2, 4)."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise BadSetting(f"{flag} is {text!r}: give whole numbers of at least 1 with commas between them")
    return tuple(dict.fromkeys(int(part) for part in parts))


def rates(flag: str, text: str) -> tuple[float, ...]:
    """'1e-3,1e-2' → (0.001, 0.01), each a probability."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise BadSetting(f"{flag} is {text!r}: give rates with commas between them, as 1e-3,1e-2") from None
    for rate in found:
        if not 0 <= rate <= 1:
            raise BadSetting(f"{flag} is {rate:g}: a rate is a probability, give one from 0 to 1")
    return tuple(dict.fromkeys(found))


def shape(text: str | None) -> tuple[int, ...] | None:
    """'3x224x224' → (3, 224, 224)."""
    if text is None:
        return None
    parts = text.lower().replace(",", "x").split("x")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise BadSetting(f"--shape is {text!r}: give one input's sizes with x between them, as 3x224x224")
    return tuple(int(part) for part in parts)


def required(pairs: list[str], max_loss: float | None) -> "tuple[Requirement, ...]":
    """['accuracy=0.9', 'reliability=0.95'] and a loss in points → requirements."""
    from spikewright.reliability.campaign.requirements import LeastAccuracy, LeastReliability, MostLoss

    kinds = {"accuracy": LeastAccuracy, "reliability": LeastReliability}
    made: list[Requirement] = []
    for pair in pairs:
        name, mark, text = (part.strip() for part in pair.partition("="))
        if not mark or name not in kinds:
            raise BadSetting(f"--require {pair!r}: give one of {', '.join(f'{kind}=SHARE' for kind in kinds)}")
        try:
            made.append(kinds[name](float(text)))
        except ValueError as error:
            reason = str(error) if isinstance(error, BadSetting) else "give a share from 0 to 1, as 0.9"
            raise BadSetting(f"--require {pair!r}: {reason}") from None
    return (*made, *(() if max_loss is None else (MostLoss(max_loss / 100),)))


def refuse_together(flag: str, others: dict[str, bool]) -> None:
    """Refuse options that were given beside one that they do not go with."""
    given = [name for name, is_given in others.items() if is_given]
    if given:
        raise BadSetting(f"{flag} does not go with {' and '.join(given)}: leave out one or the other")


def on_cpu(verb: str, device: str, *, does: str = "runs on the CPU in float64") -> None:
    """Refuse another device where a verb's result must not depend on one."""
    if device not in ("auto", "cpu"):
        raise BadSetting(f"{verb}: {does}, not on {device!r}: leave out --device")


class Result(Protocol):
    """What a verb's `run` returns."""

    def to_json(self) -> Any: ...  # noqa: D102


def write(path: Path | None, result: Result) -> None:
    """The figures as a file, where --json asks for it."""
    from spikewright.data.files import write_json

    if path is not None:
        write_json(path, result.to_json())
