"""The Python interface: the command line's verbs as functions on modules, tensors and loaders.

    source  = sw.capture(model, example)
    network = sw.convert(source, loader, method=Exact(timesteps=4))
    sw.verify(network, source, loader).line()
A loader is anything that yields input batches or (inputs, …) tuples, or one tensor of inputs.

`convert`, `verify` and `evaluate` raise BadSetting where float32 products keep fewer bits than float32 has: by a
variable of oneDNN's, a switch of PyTorch's, or autocast.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.conversion import convert as conversion
from spikewright.conversion.calibrators import Calibrator
from spikewright.conversion.methods import Method
from spikewright.conversion.methods.exact import Exact
from spikewright.engines.network import SpikingNetwork, build
from spikewright.engines.precision import require_float32
from spikewright.errors import BadData
from spikewright.interchange import run_folder as folder
from spikewright.measure import evaluation
from spikewright.measure.equality import certificate as verification
from spikewright.measure.equality.certificate import Certificate
from spikewright.measure.evaluation import Evaluation
from spikewright.measure.samples import EvaluateSettings, Prepared

Loader = Tensor | Iterable[Any]


def inputs_of(loader: Loader, *, limit: int | None = None, batch_size: int = 128) -> Iterator[Tensor]:
    """Yield input batches [N, *input_shape] from a tensor or a loader, `limit` inputs at most.

    Raises:
        BadData: the loader yields something else than tensors or tuples that start with one.
    """
    left = float("inf") if limit is None else limit
    for item in loader.split(batch_size) if isinstance(loader, Tensor) else loader:
        batch = item[0] if isinstance(item, tuple | list) else item
        if not isinstance(batch, Tensor):
            raise BadData(f"a loader must yield tensors or (inputs, …) tuples, got {type(batch).__name__}")
        if left <= 0:
            return
        batch = batch if len(batch) <= left else batch[: int(left)]
        left -= len(batch)
        yield batch


def convert(
    source: Source,
    loader: Loader | None = None,
    *,
    method: Method | None = None,
    calibrators: Sequence[Calibrator] = (),
    calibration: int = 512,
) -> SpikingNetwork:
    """Convert a captured source to a spiking network.

    Args:
        source: what `capture` or training made; it is not changed.
        loader: calibration inputs; needed where the method takes thresholds from data, and by calibrators.
        method: how to convert, `Exact(timesteps=4)` if not given.
        calibrators: what to do to the network afterwards, such as `Gradient()`.
        calibration: how many inputs to look at, at most.
    """
    require_float32()
    batches = None if loader is None else list(inputs_of(loader, limit=calibration))
    return build(conversion.convert(source, method or Exact(), batches, calibrators=calibrators))


def verify(network: SpikingNetwork, source: Source, loader: Loader, *, limit: int | None = None) -> Certificate:
    """Certify every integer code of a network against its quantised source; see `verification`."""
    require_float32()
    return verification.verify(network, source, inputs_of(loader, limit=limit, batch_size=64))


def evaluate(
    network: SpikingNetwork, source: Source | None, loader: Iterable[Any], *, settings: EvaluateSettings | None = None
) -> Evaluation:
    """Accuracy, equality, spikes, energy, memory and speed on labelled samples; see `evaluation.Evaluation`.

    `loader` yields (inputs, labels) batches; inputs are prepared already and may be of any kind.
    """
    require_float32("cpu" if settings is None else settings.place)
    pairs = [(item[0], item[1]) for item in loader]
    if not pairs:
        raise BadData("evaluation needs at least one sample, got none: give a loader that is not empty")
    inputs, labels = (torch.cat([torch.as_tensor(pair[index]) for pair in pairs]) for index in (0, 1))
    return evaluation.evaluate(network.blueprint, source, Prepared(inputs, labels), settings)


def save(
    path: str | Path, network: SpikingNetwork, source: Source | None = None, *, about: dict[str, Any] | None = None
) -> None:
    """Write a network, and the source to verify it against, as a run folder."""
    if source is not None:
        folder.save_source(Path(path), source, about=about or {})
    folder.save_blueprint(Path(path), network.blueprint, about=about or {})


def load(path: str | Path, *, dtype: torch.dtype = torch.float32) -> tuple[SpikingNetwork, Source | None]:
    """Read a run folder back; nothing in it is executed."""
    where = Path(path)
    blueprint, _ = folder.load_blueprint(where)
    source = folder.load_source(where)[0] if (where / "source.json").is_file() else None
    return build(blueprint, dtype=dtype), source
