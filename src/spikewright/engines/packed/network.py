"""A directly trained 1-bit network made runnable from its bits: `PackedNetwork(blueprint)`, then call it.

Spikes and read-out are those of `network.build(blueprint)` in float32, bit for bit; weights stay packed. On the CPU, on
as many threads as PyTorch has. There is no state to reset.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from spikewright.engines.ends import require_one_input, returned
from spikewright.engines.lower.folded import fold
from spikewright.engines.packed import layers
from spikewright.engines.packed.run import PackedProgram, dense, run
from spikewright.engines.packed.values import Packed, grains
from spikewright.engines.program import StageInstruction
from spikewright.engines.record import Record, StageRecord
from spikewright.engines.stateless import Stateless
from spikewright.errors import BadData, BadPlan
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.packing import pack
from spikewright.snn.nodes import Stage
from spikewright.snn.plan import Plan


class PackedNetwork(Stateless):
    """A blueprint made runnable from packed weights.

    Args:
        blueprint: a directly trained network with 1-bit weights; its arrays are not kept.
        packed: gives the bytes of a stored weight by its name, as `snn/formats/packing.py` lays them out, and the
            blueprint's own need only have its shape. By default they are packed from the blueprint.

    Raises:
        BadPlan: a network that was not trained directly, or has no 1-bit weights.
    """

    def __init__(self, blueprint: Blueprint, *, packed: Callable[[str], Tensor] | None = None) -> None:
        plan = blueprint.plan
        require_one_input(plan, "packed")
        _require_direct(plan)
        program = fold(blueprint, integers=False).eval()
        program.requires_grad_(False)
        shapes, found = layers.shapes_of(plan), grains(program)
        made: dict[str, layers.Layer] = {}
        loose: dict[str, layers.Loose] = {}
        stages: dict[str, layers.FusedStage] = {}
        for instruction in program.instructions:
            node = instruction.node
            if node.weights is not None:
                name, bits = f"{node.shares or node.name}.weight", node.weights.bits
                octets = pack(blueprint.arrays[name], bits) if packed is None else packed(name)
                unpacked = layers.Loose(octets, bits, tuple(blueprint.arrays[name].shape))
                layer = layers.make_layer(instruction, shapes[node.inputs[0]], found.get(node.inputs[0]), unpacked)
                if layer is None:
                    loose[node.name] = unpacked
                else:
                    made[node.name] = layer
        for instruction in program.instructions:
            if isinstance(instruction, StageInstruction):
                stage = layers.fuse_stage(program, instruction, made, found)
                if stage is not None:
                    stages[instruction.node.name] = stage
        self._packed = PackedProgram(program=program, layers=made, loose=loose, stages=stages, grains=found)

    @property
    def plan(self) -> Plan:
        """The structure."""
        return self._packed.program.plan

    @property
    def packed_nodes(self) -> tuple[str, ...]:
        """The nodes that run from packed words; other 1-bit nodes are unpacked while they run."""
        return tuple(self._packed.layers)

    @property
    def stored_bytes(self) -> int:
        """Bytes that all arrays occupy as they are held: words, bytes, and the float32 numbers beside them."""
        packed = self._packed
        beside = sum(buffer.numel() * buffer.element_size() for buffer in packed.program.buffers())
        words = sum(layer.words.nbytes + layer.gains.nbytes for layer in packed.layers.values())
        octets = sum(unpacked.octets.numel() for unpacked in packed.loose.values())
        terms = sum(term.gains.nbytes for stage in packed.stages.values() for term in stage.terms)
        return beside + words + octets + terms + sum(stage.bias.nbytes for stage in packed.stages.values())

    def __call__(self, x: Tensor) -> Any:
        """As `forward`."""
        return self.forward(x)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Any:
        """[N, *sample_shape] → the read-out [N, *output_shape]; several as the network's float engine gives them."""
        runs = run(self._packed, self._checked(x))
        return returned(self.plan, {node.name: dense(value) for node, value in runs if not isinstance(node, Stage)})

    @torch.no_grad()
    def collapse(self, x: Tensor) -> Iterator[Record]:
        """One record a stage with its codes, the read-out's last; no train is unpacked as a whole."""
        for node, value in run(self._packed, self._checked(x)):
            if isinstance(node, Stage):
                yield StageRecord(node, value.total() if isinstance(value, Packed) else value.sum(0))
            else:
                yield Record(node, dense(value), output=self._packed.program.readouts[node.name])

    @torch.no_grad()
    def walk(self, x: Tensor) -> Iterator[Record]:
        """One record a stage with its codes and its train, the read-out's last."""
        for node, value in run(self._packed, self._checked(x)):
            unpacked = dense(value)
            if isinstance(node, Stage):
                yield StageRecord(node, unpacked.sum(0), unpacked)
            else:
                yield Record(node, unpacked, output=self._packed.program.readouts[node.name])

    def _checked(self, x: Tensor) -> Tensor:
        if tuple(x.shape[1:]) != self.plan.sample_shape:
            raise BadData(
                f"the network takes inputs of shape {self.plan.sample_shape}, got {tuple(x.shape[1:])}: "
                "resize them or convert the model for that shape"
            )
        if torch.promote_types(x.dtype, torch.float32) != torch.float32 or x.device.type != "cpu":
            raise BadData(
                f"the packed engine runs in float32 on the CPU, the input is {x.dtype} on {x.device}: cast it"
            )
        x = x.detach().to(torch.float32)
        if not bool(x.isfinite().all()):
            raise BadData("the input holds values that are not finite, which stored membranes cannot: mend the data")
        return x


def _require_direct(plan: Plan) -> None:
    for node in plan.stages:
        if not plan.encoder.clocked:
            raise BadPlan(
                f"stage {node.name!r} has schedule {node.firing.schedule.kind!r}, and the packed engine runs clocked "
                "ones, those of directly trained networks: run this network with build(blueprint)"
            )
    weighted = [node for node in plan.nodes if node.weights is not None]
    if not any(node.weights is not None and node.weights.bits == 1 for node in weighted):
        raise BadPlan(
            f"node {plan.readout.name!r} and all before it have no 1-bit weights, so there is nothing to run packed: "
            "train with --weight-bits 1, or run this network with build(blueprint)"
        )
