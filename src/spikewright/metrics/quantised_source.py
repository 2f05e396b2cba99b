"""The source with each activation rounded to a network's levels, for accuracy over many images.

    value = unit · clip(⌊(z + v0)/unit⌋, 0, Σw)
What `reference.refer` evaluates, without its distances and bounds, and in any floating point. Interprets the
captured graph, batch norm unfolded; shares nothing with folding or the engines.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from spikewright import interpreter, verification
from spikewright.blueprint import Blueprint
from spikewright.reference import Rounding
from spikewright.source import Source, SourceNode


class QuantisedSource:
    """The quantised source without margins: lighter than `reference.refer`."""

    def __init__(self, blueprint: Blueprint, source: Source, dtype: torch.dtype) -> None:
        self.blueprint, self.source, self.dtype = blueprint, source, dtype
        found = verification.rounding_of(blueprint, source)
        self.rounding = {
            name: Rounding(rule.unit.to(dtype), rule.initial.to(dtype), rule.levels, rule.timesteps)
            for name, rule in found.items()
        }
        self.arrays = {name: array.to(dtype) for name, array in source.arrays.items()}

    def scores(self, x: Tensor, watch: interpreter.Watch | None = None) -> Tensor:
        """The output [N, *output_shape] of the quantised source."""
        arrays = self.arrays
        return interpreter.run(
            self.source, x.to(self.dtype), activate=self._round, arrays=arrays, watch=watch
        )

    def codes(self, x: Tensor) -> dict[str, Tensor]:
        """The integer codes [N, *features] that each stage should emit."""
        carried = {node.firing.carries for node in self.blueprint.plan.stages if node.firing is not None}
        values: dict[str, Tensor] = {}

        def watch(node: SourceNode, value: Tensor) -> None:
            if node.name in carried:
                values[node.name] = value

        self.scores(x, watch)
        codes: dict[str, Tensor] = {}
        for node in self.blueprint.plan.stages:
            assert node.firing is not None
            value = values[node.firing.carries]
            value = value if node.firing.channels is None else value[:, slice(*node.firing.channels)]
            amplitude = self.blueprint.arrays[f"{node.name}.amplitude"].to(self.dtype)
            codes[node.name] = (value / amplitude).round()
        return codes

    def _round(self, node: SourceNode, z: Tensor, roles: Mapping[str, Tensor]) -> Tensor:  # noqa: ARG002
        rule = self.rounding[node.name]
        return ((z + rule.initial) / rule.unit).floor().clamp(0, rule.levels) * rule.unit
