"""The errors of "When SNN meets ANN", Fig. 2-3: unevenness, quantisation and clipping by timesteps and by layer.

    python reproduce/errors.py --run DIR --images 200

Lockstep QCFS, postponed firing (exact, rate code's T) and temporal averaging of one trained source.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

from bench import bench
from conditions import conditions

from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.data.files import write_json
from spikewright.measure.conversion_error.kinds import PARTS
from spikewright.measure.conversion_error.stages import stage_errors
from spikewright.snn.blueprint import Blueprint


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--timesteps", type=lambda text: [int(t) for t in text.split(",")], default=[1, 2, 4, 8, 16])
    settings = parser.parse_args()
    began, table = time.monotonic(), {}
    on = bench(settings.run, images=settings.images)

    def row(blueprint: Blueprint) -> dict[str, Any]:
        stages = stage_errors(blueprint, on.source, [x for x, _ in on.labelled])
        units = {node.name: float(blueprint.arrays[f"{node.name}.threshold"]) for node in blueprint.plan.stages}
        return {
            "mean_magnitude_in_thresholds": {
                part: statistics.mean(
                    figures[part].magnitude_mean / (units[name] * steps) for name, figures in stages.items()
                )
                for part in PARTS
            },
            "unevenness_affected_share_by_stage": {
                name: round(figures["unevenness"].affected_share, 4) for name, figures in stages.items()
            },
        }

    for steps in settings.timesteps:
        table[f"T={steps}"] = {
            "lockstep": row(on.convert(Qcfs(timesteps=steps))),
            "averaged": row(on.convert(Qcfs(timesteps=steps, alignment="average"))),
        }
        print(
            steps,
            {k: v["mean_magnitude_in_thresholds"]["unevenness"] for k, v in table[f"T={steps}"].items()},
            flush=True,
        )
    result = {
        "shows": f"mean magnitude of each conversion error, in thresholds, over the stages of {settings.run.name}",
        "against_print": "Fig. 2a shows unevenness growing as T falls, VGG-16; Fig. 3 (right) that postponed firing "
        "removes it. The paper's formula mixes it with quantisation; here they are apart.",
        **conditions(began, seeds=[0]),
        "images": settings.images,
        "table": table,
    }
    write_json(Path(__file__).with_suffix(".json"), result)


if __name__ == "__main__":
    main()
