"""Calibration of thresholds and initial potentials: how much of the gap to the source it closes (QAC, Table 3).

    python reproduce/calibration.py --runs name=DIR … --cells percentile_norm:8,qcfs:4

Settings are those of the command line's defaults but for the epochs given. The gap closed is read on validation;
test accuracy is read once for the report.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from bench import bench
from conditions import conditions

from spikewright.app.registry import find
from spikewright.conversion.calibrators.gradient import Gradient
from spikewright.data.files import write_json
from spikewright.interchange import run_folder as folder

PRINT = "QAC, Table 3, CIFAR-10: ResNet-18 95.31 to 95.29, ResNet-20 90.29 to 91.13, VGG-16 94.45 to 94.78 per cent"


def measure(run: Path, cell: str, settings: argparse.Namespace) -> dict[str, Any]:
    """One network, one method, before and after."""
    name, _, steps = cell.partition(":")
    on = bench(run, images=settings.images, split="validation", calibration=settings.calibration)
    test = bench(run, images=settings.images, calibration=1)
    began = time.monotonic()
    before = on.convert(find("methods", name)(timesteps=int(steps)))
    after = Gradient(epochs=settings.epochs)(before, on.source, on.calibration)
    gap = on.accuracy_source - on.score(before).accuracy_snn
    row: dict[str, Any] = {
        "run": run.name, "method": name, "timesteps": int(steps), "data": folder.load_source(run)[1].get("data"),
        "seconds": round(time.monotonic() - began), "epochs": settings.epochs, "inputs": settings.calibration,
        "validation": {
            "source": on.accuracy_source, "before": on.score(before).accuracy_snn,
            "after": on.score(after).accuracy_snn,
        },
        "test": {
            "source": test.accuracy_source, "before": test.score(before).accuracy_snn,
            "after": test.score(after).accuracy_snn,
        },
    }  # fmt: skip
    won = row["validation"]["after"] - row["validation"]["before"]
    row["share_of_gap_closed"] = round(won / gap, 3) if gap > 0 else None
    print(row, flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=Path, nargs="+", required=True)
    parser.add_argument("--cells", nargs="+", default=["percentile_norm:8", "qcfs:4"], help="one a run, or all on each")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--calibration", type=int, default=512)
    parser.add_argument("--epochs", type=int, default=15)
    settings = parser.parse_args()
    began, path = time.monotonic(), Path(__file__).with_suffix(".json")
    paired = len(settings.cells) == len(settings.runs)
    wanted = (
        list(zip(settings.runs, settings.cells, strict=True))
        if paired
        else [(run, cell) for run in settings.runs for cell in settings.cells]
    )
    rows: list[dict[str, Any]] = []
    for run, cell in wanted:
        rows.append(measure(run, cell, settings))
        result = {
            "shows": "accuracy before and after calibration, and the share of the gap to the source that it closes on "
            "validation",
            "against_print": PRINT + "; ours start from methods with a larger gap, at fixed T",
            **conditions(began, seeds=[0]),
            "images": settings.images,
            "rows": rows,
        }
        write_json(path, result)


if __name__ == "__main__":
    main()
