"""How right, how equal, how costly, how fast, how sure.

Every figure is a pure function of a plan, a blueprint, a source, or the spike counts that an engine recorded; units are
in the names. The names below come on first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikewright.measure.accuracy import agreement_share as agreement_share
    from spikewright.measure.accuracy import top1_share as top1_share
    from spikewright.measure.conversion_error.stages import stage_errors as stage_errors
    from spikewright.measure.cost.energy import EnergyTable as EnergyTable
    from spikewright.measure.cost.energy import energy_table as energy_table
    from spikewright.measure.cost.fan_out import FanOut as FanOut
    from spikewright.measure.cost.fan_out import fan_out as fan_out
    from spikewright.measure.cost.footprint import Footprint as Footprint
    from spikewright.measure.cost.footprint import FootprintSettings as FootprintSettings
    from spikewright.measure.cost.footprint import footprint as footprint
    from spikewright.measure.cost.latency import latency_steps as latency_steps
    from spikewright.measure.cost.latency import layer_by_layer as layer_by_layer
    from spikewright.measure.cost.latency import step_by_step as step_by_step
    from spikewright.measure.cost.latency import timesteps_mean as timesteps_mean
    from spikewright.measure.cost.memory import MemoryBytes as MemoryBytes
    from spikewright.measure.cost.memory import memory_bytes as memory_bytes
    from spikewright.measure.cost.synops import Counts as Counts
    from spikewright.measure.equality.certificate import Certificate as Certificate
    from spikewright.measure.equality.changed_codes import changed_codes as changed_codes
    from spikewright.measure.evaluation import Evaluation as Evaluation
    from spikewright.measure.hardware.layer_loops import LayerLoops as LayerLoops
    from spikewright.measure.hardware.layer_loops import layer_loops as layer_loops
    from spikewright.measure.hardware.pipeline import Pipeline as Pipeline
    from spikewright.measure.hardware.pipeline import pipeline as pipeline
    from spikewright.measure.samples import EvaluateSettings as EvaluateSettings
    from spikewright.measure.samples import Prepared as Prepared
    from spikewright.measure.scoring import Score as Score
    from spikewright.measure.scoring import score as score

_HOMES = {
    "Certificate": "equality.certificate",
    "Counts": "cost.synops",
    "EnergyTable": "cost.energy",
    "EvaluateSettings": "samples",
    "Evaluation": "evaluation",
    "FanOut": "cost.fan_out",
    "Footprint": "cost.footprint",
    "FootprintSettings": "cost.footprint",
    "LayerLoops": "hardware.layer_loops",
    "MemoryBytes": "cost.memory",
    "Pipeline": "hardware.pipeline",
    "Prepared": "samples",
    "Score": "scoring",
    "agreement_share": "accuracy",
    "changed_codes": "equality.changed_codes",
    "energy_table": "cost.energy",
    "fan_out": "cost.fan_out",
    "footprint": "cost.footprint",
    "latency_steps": "cost.latency",
    "layer_by_layer": "cost.latency",
    "layer_loops": "hardware.layer_loops",
    "memory_bytes": "cost.memory",
    "pipeline": "hardware.pipeline",
    "score": "scoring",
    "stage_errors": "conversion_error.stages",
    "step_by_step": "cost.latency",
    "timesteps_mean": "cost.latency",
    "top1_share": "accuracy",
}

__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"spikewright.measure.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'spikewright.measure' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
