"""The demonstration: train on scikit-learn's digits, convert, certify, evaluate; offline and in seconds."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.app.runs.convert import ConvertRequest, convert
from spikewright.app.runs.evaluate import evaluate
from spikewright.app.runs.train import TrainRequest, train
from spikewright.app.runs.verify import verify
from spikewright.data.files import write_json
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadSetting
from spikewright.measure.equality.certificate import Certificate
from spikewright.measure.evaluation import EvaluateSettings, Evaluation
from spikewright.training.settings import TrainSettings

MARK = "demo.json"  # a folder with this file is an earlier demo's, to be written over


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """What the demo shows."""

    certificate: Certificate
    evaluation: Evaluation
    about: dict[str, Any]


def demonstrate(out: Path, *, seed: int = 0, timesteps: int = 4, on_progress: Progress = silent) -> Demonstration:
    """Run the whole line on the digits and keep it under `out`.

    Raises:
        BadSetting: `out` holds something that is not an earlier demo.
    """
    settle_arithmetic()
    source, spiking = out / "source", out / "spiking"
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file()):
        raise BadSetting(f"--out {out} holds something else than a demo: choose another folder")
    if out.is_dir():
        for run in (source, spiking):
            shutil.rmtree(run, ignore_errors=True)  # the mark says that they are an earlier demo's
    write_json(out / MARK, {"demo": "under way"})
    request = TrainRequest(out=source, model="cnn", data="digits", levels=2**timesteps - 1)
    settings = TrainSettings(epochs=8, batch_size=64, learning_rate=request.learning_rate, seed=seed, augment=False)
    train(request, settings, on_progress=on_progress)
    convert(ConvertRequest(out=spiking, run=source, settings={"timesteps": timesteps}))
    certificate, about = verify(spiking, images=ImageSettings(), limit=450)
    found = evaluate(
        spiking, images=ImageSettings(), settings=EvaluateSettings(codes_images=450), on_progress=on_progress
    )[0]
    write_json(out / MARK, found.to_json())
    return Demonstration(certificate=certificate, evaluation=found, about=about)
