"""Table 4 of "When SNN meets ANN": left shift, bias shift and postponed firing, each on or off; ResNet20, CIFAR-10.

The source is a ReLU ResNet20 fine-tuned with 15 levels (A.10); every row is converted from it.

    python reproduce/ablations.py --source RUN [--images 10000]     → reproduce/ablations.json
"""

import argparse
import time
from pathlib import Path

import torch
from conditions import conditions

from spikewright.ann import interpreter
from spikewright.app.runs.acquire import ImageSettings, of_run
from spikewright.conversion.methods.exact import Exact
from spikewright.data import Batches
from spikewright.data.dataset import Split
from spikewright.data.files import write_json
from spikewright.engines.network import build
from spikewright.interchange import run_folder as folder
from spikewright.measure.accuracy import correct

TIMESTEPS = (2, 4, 6, 8)
# (left shift, bias shift, postponed firing): accuracy in per cent at T = 2, 4, 6, 8, as printed for ResNet20
PRINTED = {
    (False, False, False): (71.42, 83.91, 84.12, 88.72),
    (False, False, True): (76.21, 90.18, 91.92, 92.49),
    (True, False, False): (76.10, 91.22, 91.43, 92.40),
    (True, True, False): (79.86, 91.81, 92.07, 93.24),
    (True, True, True): (86.92, 93.60, 93.57, 93.66),
}

AGAINST_PRINT = (
    "A miss in part. The full method comes first at every T, as printed, and postponed firing helps at every T. "
    "All figures are lower: the source has minutes of training on two cores, not 600 epochs, and its codes bear "
    "fewer levels badly. The two rows of bit planes with normal firing do not reproduce: fired as they arrive, bit "
    "planes fail in this network of 19 stages (and unshifted, the bias counts T times), where the paper prints 76 to "
    "93 %. The paper does not say how its normal neuron weighs thresholds and bias over the steps."
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--images", type=int, default=10_000)
    settings = parser.parse_args()
    began = time.monotonic()
    source, data, about = of_run(settings.source, data=None, images=ImageSettings())
    assert data is not None
    test = Split(images=data.test.images[: settings.images], labels=data.test.labels[: settings.images])
    batches = Batches(test, batch_size=50, preparation=data.preparation)
    with torch.inference_mode():
        trained = sum(correct(interpreter.run(source, x), y) for x, y in batches) / len(test)
        rows = []
        for switches, printed in PRINTED.items():
            left_shift, bias_shift, postponed = switches
            found = {}
            for timesteps in TIMESTEPS:
                method = Exact(
                    timesteps=timesteps, left_shift=left_shift, bias_shift=bias_shift, postponed_firing=postponed
                )
                network = build(method(source))
                found[f"T={timesteps}"] = 100 * sum(correct(network(x), y) for x, y in batches) / len(test)
            names = ("left shift", "bias shift", "postponed firing")
            row = dict(zip(names, switches, strict=True))
            rows.append({**row, "accuracy": found, "printed": dict(zip(found, printed, strict=True))})
            print(row, {name: f"{value:.2f}" for name, value in found.items()}, printed, flush=True)
    result = {
        "shows": "Table 4: accuracy with each part of the method on or off; ResNet20, CIFAR-10",
        "against_print": AGAINST_PRINT,
        **conditions(began, seeds=[folder.load_source(settings.source)[1]["seed"]]),
        "images": len(test),
        "training": about["settings"],
        "accuracy_source": 100 * trained,
        "rows": rows,
    }
    write_json(Path(__file__).with_suffix(".json"), result)


if __name__ == "__main__":
    main()
