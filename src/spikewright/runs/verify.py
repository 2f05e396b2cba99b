"""Certify a run: its blueprint against the source it holds, on images of its data set."""

from pathlib import Path
from typing import Any

from spikewright import folder, verification
from spikewright.errors import BadSetting
from spikewright.runs import acquire
from spikewright.runs.acquire import ImageSettings
from spikewright.verification import Certificate


def verify(
    run: Path, *, data: str | None = None, images: ImageSettings, limit: int = 1000, split: str = "test"
) -> tuple[Certificate, dict[str, Any]]:
    """Compare every code of the run's network with its quantised source on `limit` images.

    Raises:
        SpikewrightError: as loading the run and the data does, and where no data is named.
    """
    if limit < 1:
        raise BadSetting(f"verify: --images is {limit}, but must be at least 1")
    blueprint, _ = folder.load_blueprint(run)
    source, loaded, about = acquire.of_run(run, data=data, images=images)
    if loaded is None:
        raise BadSetting(f"verify: run {run} does not say what data it was made with: give --data")
    batches = acquire.inputs(acquire.split_of(loaded, split), loaded, limit=limit, batch_size=32)
    return verification.verify(blueprint, source, batches), about
