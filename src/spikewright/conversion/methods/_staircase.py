"""How a stage fires whose activation is another function than a (capped) ReLU, and who cannot have such stages.

Knows nothing about how thresholds are chosen.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from spikewright.ann.ops import Activating
from spikewright.ann.source import Source, SourceNode
from spikewright.conversion.assemble import StageSettings
from spikewright.conversion.stages.staged import FiringNode
from spikewright.conversion.staircase import staircase
from spikewright.errors import BadSetting
from spikewright.snn.code import Code
from spikewright.snn.neurons.staircase import Staircase
from spikewright.snn.schedules.two_phase import TwoPhase

_MOST_LEVELS = 2**12  # thresholds a neuron compares with; more are tables larger than the network


def require_multiples(source: Source, method: str) -> None:
    """Refuse what fires by a table, for methods that know multiples of one threshold.

    Raises:
        BadSetting: an activation is no ReLU.
    """
    for node in source.activations:
        if isinstance(node.op, Activating) and node.op.staircase:
            raise BadSetting(
                f"activation {node.name!r} is no ReLU, so its stage waits for the whole window, which {method} does "
                "not: convert by the method exact"
            )


def staircase_settings(source: Source, node: FiringNode, unit: Tensor, code: Code) -> StageSettings:
    """How a stage with a table fires.

    Args:
        source: the network.
        node: the stage.
        unit: the height of a step, [] or one a channel, broadcastable to the stage's features.
        code: of its spikes.

    Raises:
        BadSetting: more levels than a table may have.
    """
    activation = next(each for each in source.activations if each.name == node.fires.activation)
    op = activation.op
    assert isinstance(op, Activating)
    levels = code.levels
    if levels > _MOST_LEVELS:
        raise BadSetting(
            f"activation {activation.name!r} is no ReLU: its stage compares with a table, of {_MOST_LEVELS} levels at "
            f"most, not {levels}: give fewer timesteps"
        )
    below = op.below(unit, levels)
    rest = {} if op.signed else {"rest": -below * unit}
    if node.fires.relays and not op.signed:
        start = (below + 0.5) * unit
        return StageSettings(
            schedule=TwoPhase(), code=code, threshold=unit, initial_potential=start, amplitude=unit, own=rest
        )
    tables = _codes_again(unit, levels) if node.fires.relays else _tables(source, activation, unit, levels)
    return StageSettings(
        schedule=TwoPhase(),
        code=code,
        threshold=unit,
        initial_potential=torch.zeros_like(unit),
        amplitude=unit,
        law=Staircase(signed=op.signed, falls="falling" in tables),
        own=rest | {role: _of_rank(table, len(node.shape)) for role, table in tables.items()},
    )


def _tables(source: Source, activation: SourceNode, unit: Tensor, levels: int) -> dict[str, Tensor]:
    """Those of an activation's own staircase."""
    slope = source.array(activation, "slope")
    assert isinstance(activation.op, Activating)
    found = staircase(activation.op, unit, levels, slope)
    return {"rising": found.rising} | ({} if found.falling is None else {"falling": found.falling})


def _codes_again(unit: Tensor, levels: int) -> dict[str, Tensor]:
    """Thresholds half a step below each code, of a signed code whose own value is read."""
    number = torch.arange(1 - levels, levels + 1, dtype=torch.float64).reshape(-1, *(1,) * unit.dim())
    return {"rising": (number - 0.5) * unit}


def resting(source: Source, units: Mapping[str, Tensor], codes: Mapping[str, Code]) -> dict[str, Tensor]:
    """What the code 0 of each activation stands for, where that is not 0."""
    found: dict[str, Tensor] = {}
    for node in source.activations:
        assert isinstance(node.op, Activating)
        below = node.op.below(units[node.name], codes[node.name].levels)
        if bool(below.any()):
            found[node.name] = -below * units[node.name]
    return found


def _of_rank(table: Tensor, rank: int) -> Tensor:
    """[thresholds, *some] as [thresholds, *features], so that a table is never taken for channels."""
    return table.reshape(len(table), *(1,) * (rank + 1 - table.dim()), *table.shape[1:])
