"""A spiking network laid out for injection: the collapsed engine, cut where stored integers are multiplied.

Postponed firing runs in the integers of `lowering`; clocked networks in float32, as their engine does; networks in
lockstep, and those that compute with numbers between stages, in float64. What a stage reads, and when, is as in
`engines/collapsed.py`, and without faults its values are that engine's: exactly where products read whole numbers, and
up to rounding where not: sums are exact there too (`own_grid.py`). A stage that a fault strikes runs its time loop,
spike by spike.
"""

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from spikewright.ann.ops import Product
from spikewright.ann.source import INPUT
from spikewright.conversion.quantise import quantise
from spikewright.engines.currents import total_input
from spikewright.engines.lower.folded import fold
from spikewright.engines.lower.integer import lowered
from spikewright.engines.program import Program
from spikewright.errors import BadModel, NotExact, UnsupportedModule
from spikewright.reliability.injectable.grids import longest, whole_numbers
from spikewright.reliability.injectable.layout import laid_out
from spikewright.reliability.injectable.pieces import weights_for
from spikewright.reliability.injectable.spiking_piece import SpikingPiece, arithmetic_of
from spikewright.reliability.sites import Memory, Neurons, Sites
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform


class SpikingTarget:
    """A blueprint laid out for injection; weights that it does not store as integers are stored in format `weights`.

    Args:
        blueprint: any spiking network of this package.
        weights: format for weights that are none of integers yet.

    Raises:
        BadModel: a network without a weight to strike.
        NotExact: sums that no floating point holds.
    """

    saturates: ClassVar[bool] = False

    def __init__(self, blueprint: Blueprint, weights: Uniform) -> None:
        stored = quantise(blueprint, weights)
        nodes = stored.plan.nodes
        if not any(node.weights is not None for node in nodes):
            raise BadModel("the network has no stored weights to strike: it holds no matrix product and no convolution")
        postponed = all(stage.firing.schedule.waits for stage in stored.plan.stages)
        clocked = stored.plan.encoder.clocked
        program = _in_integers(stored) if postponed and not clocked else None
        if program is None:
            program = fold(stored, dtype=torch.float32 if clocked else torch.float64).eval()
        self.plan, self.blueprint = program.plan, stored
        self._program = program
        whole = whole_numbers(program)
        self.pieces: list[SpikingPiece] = []
        for instruction in program.instructions:
            node = instruction.node
            read = max((whole[name] or 0.0 for name in node.inputs), default=0.0)
            steps = longest(program, node)
            graded = any(whole[name] is None for name in node.inputs) or any(
                instruction.gain(index) is not None and not instruction.integral for index in range(len(node.inputs))
            )
            own = None
            if node.weights is not None:
                assert isinstance(node.op, Product)
                gain = 1.0 if instruction.gain(0) is None else float(instruction._buffers["gain0"].abs().max())  # pyright: ignore
                own = weights_for(
                    node.op,
                    memory=node.shares or node.name,
                    bits=node.weights.bits,
                    integers=stored.arrays[f"{node.name}.weight"],
                    most=None if graded else read * gain * steps,
                )
            self.pieces.append(SpikingPiece(program, instruction, own, averages=graded))

    def saturating(self, largest: Mapping[str, float]) -> Self:  # noqa: ARG002
        """The same network: codes say what a neuron has at most."""
        return self

    @property
    def arithmetic(self) -> str:
        """What everything between products is done in."""
        kind = arithmetic_of(self._program)
        whole = all(piece.weights is None or piece.weights.digits is None for piece in self.pieces)
        name = str(kind).removeprefix("torch.")
        return (
            f"integer products, neurons in {name}"
            if whole
            else f"exact sums of stored integers and real values, neurons in {name}"
        )

    def start(self, inputs: Tensor) -> Tensor:
        """See `pieces.Target`."""
        encoder = self.plan.encoder
        x = inputs.to(arithmetic_of(self._program))
        wanted = INPUT in self._program.wants_train or self.plan.warmup > 0 or encoder.clocked
        return laid_out(encoder(x) if wanted else total_input(self._program, x))

    def sites(self) -> Sites:
        """All that faults may strike."""
        memories = tuple(
            Memory(
                name=node.name,
                integers=self.blueprint.arrays[f"{node.name}.weight"].flatten().numpy().astype(np.int64),
                bits=node.weights.bits,
                positions=tuple(range(node.weights.bits)),
            )
            for node in self.blueprint.plan.nodes
            if node.weights is not None and node.shares is None
        )
        stages = tuple(
            Neurons(
                name=node.name,
                shape=node.shape,
                timesteps=node.firing.code.steps,
                axis=node.axis,
                law=node.firing.law.kind,
            )
            for node in self.plan.stages
        )
        return Sites(memories=memories, stages=stages, input_shape=self.plan.sample_shape)


def _in_integers(blueprint: Blueprint) -> Program | None:
    """The lowered program, wide enough for faulty weights, or None where there is none."""
    try:
        return lowered(blueprint).double().eval()
    except (NotExact, UnsupportedModule):
        return None
