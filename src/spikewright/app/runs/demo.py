"""The demonstration: train on scikit-learn's digits, convert, certify, evaluate; offline and in seconds."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikewright.app.runs import convert, evaluate, train, verify
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.conversion.methods.exact import Exact
from spikewright.data.files import PART, refusals, write_json
from spikewright.data.progress import Progress
from spikewright.errors import BadSetting
from spikewright.interchange.claim import LOCK, claimed
from spikewright.measure.equality.certificate import Certificate
from spikewright.measure.evaluation import EvaluateSettings, Evaluation
from spikewright.training.settings import TrainSettings

MARK = "demo.json"  # a folder with this file is an earlier demo's, to be written over
IMAGES = 450  # all of the test split, to compare codes on


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRequest:
    """Where to keep the demo's runs, and T.

    Raises:
        BadSetting: timesteps that the exact method cannot have.
    """

    out: Path
    seed: int = 0
    timesteps: int = 4

    def __post_init__(self) -> None:
        _ = Exact(timesteps=self.timesteps)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What the demo shows."""

    certificate: Certificate
    evaluation: Evaluation
    about: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        return self.evaluation.to_json()


def run(request: DemoRequest, *, on_progress: Progress | None = None) -> DemoResult:
    """Run the whole line on the digits and keep it under `out`.

    Raises:
        BadSetting: `out` holds something that is not an earlier demo.
    """
    settle_arithmetic()
    _require_free(request.out)
    with claimed(request.out):
        _require_free(request.out)
        return _shown(request, on_progress)


def _require_free(out: Path) -> None:
    with refusals(out):
        other = out.is_dir() and [each for each in out.iterdir() if each.name != LOCK and each.suffix != PART]
    if out.is_file() or (other and not (out / MARK).is_file()):
        raise BadSetting(f"--out {out} holds something else than a demo: choose another folder")


def _shown(request: DemoRequest, on_progress: Progress | None) -> DemoResult:
    """The whole line, in a folder that is this command's alone."""
    out, source, spiking = request.out, request.out / "source", request.out / "spiking"
    for each in (source, spiking):
        shutil.rmtree(each, ignore_errors=True)  # the mark says that they are an earlier demo's
    write_json(out / MARK, {"demo": "under way"})
    settings = TrainSettings(epochs=8, batch_size=64, seed=request.seed)
    levels = 2**request.timesteps - 1
    train.run(
        train.TrainRequest(out=source, model="cnn", data="digits", levels=levels, settings=settings),
        on_progress=on_progress,
    )
    convert.run(convert.ConvertRequest(out=spiking, run=source, settings={"timesteps": request.timesteps}))
    certified = verify.run(verify.VerifyRequest(run=spiking, samples=IMAGES))
    found = evaluate.run(
        evaluate.EvaluateRequest(run=spiking, settings=EvaluateSettings(codes_images=IMAGES)), on_progress=on_progress
    ).evaluation
    write_json(out / MARK, found.to_json())
    return DemoResult(certificate=certified.certificate, evaluation=found, about=certified.about)
