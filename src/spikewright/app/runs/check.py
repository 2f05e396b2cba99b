"""Check whether a model converts: capture it and arrange it as stages, keeping every obstacle."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from spikewright import models
from spikewright.ann.capture.capture import capture
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.conversion.stages.stage import stage
from spikewright.conversion.stages.staged import FiringNode
from spikewright.errors import BadSetting, Obstacle, UnsupportedModule


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What converts of a model."""

    stages: int
    nodes: int
    parameters: int
    obstacles: tuple[Obstacle, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {**asdict(self), "obstacles": [obstacle._asdict() for obstacle in self.obstacles]}


def check(
    model: str,
    *,
    weights: Path | None = None,
    data: str | None = None,
    shape: tuple[int, ...] | None = None,
    images: ImageSettings,
) -> CheckReport:
    """Capture and stage a model; obstacles are returned, not raised.

    Raises:
        SpikewrightError: the model, weights or data cannot be had at all.
    """
    if (data is None) == (shape is None):
        raise BadSetting("check: give either --data or --shape (one input's shape, as 3x224x224)")
    try:
        if data is not None:
            loaded = images.load(data)
            source = acquire.captured(acquire.built(model, loaded, weights=weights, seed=images.seed), loaded)
        else:
            source = _captured(model, shape or (), weights, images.seed)
        staged = stage(source)
    except UnsupportedModule as refusal:
        found = refusal.obstacles or (Obstacle(model, str(refusal), "", ""),)
        return CheckReport(stages=0, nodes=0, parameters=0, obstacles=found)
    return CheckReport(
        stages=sum(isinstance(node, FiringNode) for node in staged),
        nodes=len(staged),
        parameters=sum(array.numel() for array in source.arrays.values()),
        obstacles=(),
    )


def _captured(model: str, shape: tuple[int, ...], weights: Path | None, seed: int) -> Any:
    if ":" in model:
        module = models.load_factory(model, seed=seed)
    else:
        if len(shape) != 3:
            raise BadSetting(f"check: --shape {shape} must be channels x height x width for a model of the library")
        module = models.build(model, channels=shape[0], size=(shape[1], shape[2]), classes=10, seed=seed)
    if weights is not None:
        models.load_weights(module, weights)
    generator = torch.Generator().manual_seed(seed)
    return capture(module, torch.randn(2, *shape, generator=generator))
