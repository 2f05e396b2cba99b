"""Check whether a model converts: capture it and arrange it as stages, keeping every obstacle."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from spikewright import models
from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.conversion.stages.stage import stage
from spikewright.conversion.stages.staged import FiringNode
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadSetting, Obstacle, UnsupportedModule

_PARTS = "capture"  # and staging, which is short


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """Which model to check, and what its inputs are: those of `data`, or of `shape`.

    Raises:
        BadSetting: both or none of data and shape, or a shape that no model of the library takes.
    """

    model: str
    weights: Path | None = None
    data: str | None = None
    shape: tuple[int, ...] | None = None
    images: ImageSettings = field(default_factory=ImageSettings)

    def __post_init__(self) -> None:
        if (self.data is None) == (self.shape is None):
            raise BadSetting("check: give either --data or --shape (one input's shape, as 3x224x224)")
        if self.shape is not None and ":" not in self.model and len(self.shape) != 3:
            raise BadSetting(
                f"check: --shape {self.shape} must be channels x height x width for a model of the library"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What converts of a model."""

    stages: int
    nodes: int
    parameters: int
    obstacles: tuple[Obstacle, ...]

    def to_json(self) -> dict[str, Any]:
        """The findings as plain data."""
        return {**asdict(self), "obstacles": [obstacle._asdict() for obstacle in self.obstacles]}


def run(request: CheckRequest, *, on_progress: Progress | None = None) -> CheckResult:
    """Capture and stage a model; obstacles are returned, not raised.

    Raises:
        SpikewrightError: the model, weights or data cannot be had at all.
    """
    report = silent if on_progress is None else on_progress
    report(_PARTS, 0, 2)
    try:
        source = _captured(request, report)
        report(_PARTS, 1, 2, note="staging")
        staged = stage(source)
    except UnsupportedModule as refusal:
        found = refusal.obstacles or (Obstacle(request.model, str(refusal), "", ""),)
        return CheckResult(stages=0, nodes=0, parameters=0, obstacles=found)
    finally:
        report(_PARTS, 2, 2)
    return CheckResult(
        stages=sum(isinstance(node, FiringNode) for node in staged),
        nodes=len(staged),
        parameters=sum(array.numel() for array in source.arrays.values()),
        obstacles=(),
    )


def _captured(request: CheckRequest, on_progress: Progress) -> Source:
    name, seed, shape = request.model, request.images.seed, request.shape
    if shape is None:
        build = acquire.model_of(name, weights=request.weights, seed=seed, on_progress=on_progress)
        data = request.images.load(str(request.data))
        return acquire.captured(build(data), data)
    stored = None if request.weights is None else models.read_weights(request.weights)
    if ":" in name:
        module = models.load_factory(name, seed=seed)
    else:
        module = models.build(name, channels=shape[0], size=(shape[1], shape[2]), classes=10, seed=seed)
    note = None if stored is None else models.fill(module, stored)
    if note:
        on_progress("weights", 0, 0, note=note)
    generator = torch.Generator().manual_seed(seed)
    return capture(module, torch.randn(2, *shape, generator=generator))
