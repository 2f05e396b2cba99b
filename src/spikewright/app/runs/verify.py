"""Certify a run: its blueprint against the source it holds, on images of its data set."""

from pathlib import Path
from typing import Any

from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.errors import BadSetting, NotExact
from spikewright.interchange import run_folder as folder
from spikewright.measure.equality import certificate as verification
from spikewright.measure.equality.certificate import Certificate


def verify(
    run: Path, *, data: str | None = None, images: ImageSettings, limit: int = 1000, split: str = "test"
) -> tuple[Certificate, dict[str, Any]]:
    """Compare every code of the run's network with its quantised source on `limit` images.

    Raises:
        SpikewrightError: as loading the run and the data does, and where no data is named.
        NotExact: the network's weights were rounded after training.
    """
    if limit < 1:
        raise BadSetting(f"verify: --images is {limit}, but must be at least 1")
    settle_arithmetic()
    blueprint, _ = folder.load_blueprint(run)
    bits = blueprint.weight_bits
    if bits and not acquire.is_spiking_run(run):
        raise NotExact(
            f"verify: the weights of {run} were rounded to {', '.join(map(str, bits))} bits after training, so it is "
            "not equal to its source: evaluate it, or convert without --weight-bits"
        )
    source, loaded, about = acquire.of_run(run, data=data, images=images)
    if loaded is None:
        raise BadSetting(f"verify: run {run} does not say what data it was made with: give --data")
    batches = acquire.inputs(acquire.split_of(loaded, split), loaded, limit=limit, batch_size=32)
    return verification.verify(blueprint, source, batches), about
