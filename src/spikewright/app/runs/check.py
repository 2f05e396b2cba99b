"""Check whether a model converts, keeping every obstacle, and what of it would be spikes and what multiplied."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spikewright import models
from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.conversion.convert import convert
from spikewright.conversion.methods.exact import Exact
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadSetting, Obstacle, UnsupportedModule
from spikewright.measure.cost.inventory import Inventory, inventory

_PARTS = "capture"  # and counting, which is short


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
        if self.shape is not None and not models.brings_its_sizes(self.model) and len(self.shape) != 3:
            raise BadSetting(
                f"check: --shape {self.shape} must be channels x height x width for a model of the library"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """Everything of one kind that stands in the way."""

    what: str
    why: str
    way_out: str
    obstacles: tuple[Obstacle, ...]

    def to_json(self) -> dict[str, Any]:
        """What it is, how often, and where."""
        where = [{"path": each.path, "line": each.line} for each in self.obstacles]
        return {"what": self.what, "why": self.why, "way_out": self.way_out, "count": len(where), "where": where}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What converts of a model; and what it would be made of, where all does."""

    stages: int
    nodes: int
    parameters: int
    obstacles: tuple[Obstacle, ...]
    left: Inventory | None = None

    @property
    def kinds(self) -> tuple[Refusals, ...]:
        """The obstacles by kind, the most frequent first."""
        found: dict[tuple[str, str, str], list[Obstacle]] = {}
        for each in self.obstacles:
            found.setdefault((each.what, each.why, each.way_out), []).append(each)
        ordered = sorted(found.items(), key=lambda kind: -len(kind[1]))
        return tuple(
            Refusals(what=what, why=why, way_out=way_out, obstacles=tuple(each))
            for (what, why, way_out), each in ordered
        )

    def to_json(self) -> dict[str, Any]:
        """The findings as plain data."""
        return {
            "converts": not self.obstacles,
            "stages": self.stages,
            "nodes": self.nodes,
            "parameters": self.parameters,
            "obstacles": [obstacle._asdict() for obstacle in self.obstacles],
            "kinds": [kind.to_json() for kind in self.kinds],
            "left": None if self.left is None else self.left.to_json(),
        }


def run(request: CheckRequest, *, on_progress: Progress | None = None) -> CheckResult:
    """Capture a model and convert it for one step; obstacles are returned, not raised.

    Raises:
        SpikewrightError: the model, weights or data cannot be had at all.
    """
    report = silent if on_progress is None else on_progress
    report(_PARTS, 0, 2)
    try:
        source, seen = _captured(request, report)
        report(_PARTS, 1, 2, note="counting")
        left = inventory(convert(source, Exact(timesteps=1), [seen]))
    except UnsupportedModule as refusal:
        found = refusal.obstacles or (Obstacle(request.model, str(refusal), "", ""),)
        return CheckResult(stages=0, nodes=0, parameters=0, obstacles=found)
    finally:
        report(_PARTS, 2, 2)
    return CheckResult(
        stages=left.stages,
        nodes=left.nodes,
        parameters=sum(array.numel() for array in source.arrays.values()),
        obstacles=(),
        left=left,
    )


def _captured(request: CheckRequest, on_progress: Progress) -> tuple[Source, Tensor]:
    """The model captured, and two inputs of its: of the data, or random numbers."""
    name, seed, shape = request.model, request.images.seed, request.shape
    if shape is None:
        build = acquire.model_of(name, weights=request.weights, seed=seed, on_progress=on_progress)
        data = request.images.load(str(request.data))
        return acquire.captured(build(data), data), acquire.inputs(data.train, data, limit=2)[0]
    sizes = models.Sizes(channels=shape[0], size=(shape[-2], shape[-1]) if len(shape) == 3 else (1, 1))
    made = models.maker(name, weights=request.weights, seed=seed)(sizes)
    acquire.tell(made.notes, on_progress)
    example = torch.randn(2, *shape, generator=torch.Generator().manual_seed(seed))
    return capture(made.model, example), example
