"""Memory footprint of Q-SNNs, Table 2 and Fig. 3: every cell from the library's own networks, beside what is printed.

    python reproduce/paper3_table2.py     → reproduce/paper3_table2.json

No training: numbers are counted and multiplied with bits. The rule is in `metrics/footprint.py`; the paper prints none.
Two things fit only in one way, and are counted both ways: VGG16's last layer, at 32 bits where the other networks have
8, and VGGSNN's last layer, with 512 inputs (the mean over the image) where four poolings would leave 2,048.
"""

import time
from pathlib import Path
from typing import Any

import torch
from conditions import conditions

from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.data.files import write_json
from spikewright.measure.cost.footprint import MEGA, FootprintSettings, footprint
from spikewright.models import build

PRINTED = {  # (batch, weight bits, membrane bits): megabytes and the reduction in per cent, by network
    (1, 32, 32): {"resnet19": ("50.80", "0.00"), "vgg16": ("59.16", "0.00"), "vggsnn": ("37.44", "0.00")},
    (1, 1, 8): {"resnet19": ("1.75", "96.56"), "vgg16": ("1.96", "96.69"), "vggsnn": ("1.31", "96.50")},
    (1, 1, 4): {"resnet19": ("1.68", "96.69"), "vgg16": ("1.93", "96.74"), "vggsnn": ("1.25", "96.66")},
    (1, 1, 2): {"resnet19": ("1.65", "96.75"), "vgg16": ("1.91", "96.77"), "vggsnn": ("1.21", "96.77")},
    (64, 32, 32): {"resnet19": ("83.83", "0.00"), "vgg16": ("75.67", "0.00"), "vggsnn": ("70.47", "0.00")},
    (64, 1, 8): {"resnet19": ("10.0", "88.07"), "vgg16": ("6.09", "91.95"), "vggsnn": ("9.57", "86.42")},
    (64, 1, 4): {"resnet19": ("5.81", "93.07"), "vgg16": ("3.99", "94.73"), "vggsnn": ("5.38", "92.37")},
    (64, 1, 2): {"resnet19": ("3.72", "95.56"), "vgg16": ("2.94", "96.11"), "vggsnn": ("3.28", "95.35")},
    (256, 32, 32): {"resnet19": ("184.49", "0.00"), "vgg16": ("126.01", "0.00"), "vggsnn": ("171.13", "0.00")},
    (256, 1, 8): {"resnet19": ("35.17", "80.94"), "vgg16": ("18.67", "85.18"), "vggsnn": ("34.74", "79.70")},
    (256, 1, 4): {"resnet19": ("18.40", "90.03"), "vgg16": ("10.28", "91.84"), "vggsnn": ("17.96", "89.51")},
    (256, 1, 2): {"resnet19": ("10.01", "94.57"), "vgg16": ("6.09", "95.17"), "vggsnn": ("9.57", "94.41")},
}
MODEL_SIZE = "1.62"  # Fig. 3, ResNet19 with 1 bit a weight, without membranes
READOUT_BITS = {"vgg16": 32}


def captured(name: str, **settings: str) -> Source:
    """A network of the library for 3x32x32 images and 10 classes."""
    model = build(name, channels=3, size=(32, 32), classes=10, seed=0, **settings)
    return capture(model, torch.zeros(2, 3, 32, 32))


def rounded(value: float, printed: str) -> str:
    """To as many decimals as the table has there."""
    return f"{value:.{len(printed.partition('.')[2])}f}"


def rows(name: str, source: Source, *, readout_bits: int | None) -> list[dict[str, Any]]:
    """The twelve cells of a network."""
    found = []
    for (batch, weight_bits, membrane_bits), networks in PRINTED.items():
        megabytes, reduction = networks[name]
        full = float(PRINTED[batch, 32, 32][name][0])
        settings = FootprintSettings(
            weight_bits=weight_bits, membrane_bits=membrane_bits, batch=batch, readout_bits=readout_bits
        )
        figures = footprint(source, settings)
        ours = rounded(figures.footprint_megabytes, megabytes)
        # The paper takes its reductions from the rounded megabytes
        percent = rounded(100 * (1 - float(ours) / full), reduction)
        found.append(
            {
                "batch": batch,
                "weight_bits": weight_bits,
                "membrane_bits": membrane_bits,
                "megabytes": round(figures.footprint_megabytes, 6),
                "megabytes_printed": megabytes,
                "equal": ours == megabytes,
                "reduction_percent": percent,
                "reduction_percent_printed": reduction,
                "reduction_equal": percent == reduction,
                "megabytes_with_all_membranes": round(figures.footprint_megabytes_all, 6),
            }
        )
    return found


def differing(table: list[dict[str, Any]]) -> list[str]:
    """The cells that are not as printed."""
    return [
        f"batch {row['batch']}, {row['weight_bits']}w-{row['membrane_bits']}u: "
        f"{row['megabytes']} for {row['megabytes_printed']}"
        for row in table
        if not row["equal"]
    ]


def main() -> None:
    began = time.monotonic()
    names = ("resnet19", "vgg16", "vggsnn")
    tables = {name: rows(name, captured(name), readout_bits=READOUT_BITS.get(name)) for name in names}
    every = [row for table in tables.values() for row in table]
    equal = sum(row["equal"] for row in every)
    reductions = sum(row["reduction_equal"] for row in every)
    otherwise = {
        "vgg16 with a last layer of 8 bits": differing(rows("vgg16", captured("vgg16"), readout_bits=None)),
        "vggsnn with a read-out of each place": differing(
            rows("vggsnn", captured("vggsnn", readout="all"), readout_bits=None)
        ),
    }
    figures = footprint(captured("resnet19"), FootprintSettings(weight_bits=1, membrane_bits=2))
    size = figures.footprint_megabytes - figures.membranes_peak.bytes / MEGA
    print(f"{equal} of {len(every)} cells and {reductions} of {len(every)} reductions are as printed")
    for what, cells in otherwise.items():
        print(f"{what}: {len(cells)} of 12 cells differ")
    write_json(
        Path(__file__).with_suffix(".json"),
        {
            "shows": "megabytes (10^6 bytes) of weights, gains, biases and the membranes of the largest layer, "
            "by batch and bits; 3x32x32 images, 10 classes",
            "against_print": f"{equal} of {len(every)} cells and {reductions} of {len(every)} reductions (which the "
            "paper takes from rounded megabytes) equal Q-SNNs, Table 2, to the last printed digit, if VGG16's last "
            "layer takes 32 bits and VGGSNN's reads the mean over the image; both are listed otherwise below",
            **conditions(began, seeds=[0]),
            "cells_equal": equal,
            "reductions_equal": reductions,
            "figure_3": {
                "megabytes_resnet19_without_membranes": round(size, 6),
                "megabytes_printed": MODEL_SIZE,
                "equal": rounded(size, MODEL_SIZE) == MODEL_SIZE,
            },
            "table": tables,
            "differing_otherwise": otherwise,
        },
    )


if __name__ == "__main__":
    main()
