"""From staged nodes to a blueprint: a method says how each stage fires, this writes it down."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from spikewright.blueprint import Blueprint
from spikewright.code import Code
from spikewright.neurons.integrate_fire import IntegrateFire
from spikewright.plan import AnyEncoder, AnySchedule, Firing, Node, Plan
from spikewright.staging import StagedNode


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """How one stage fires. Tensors are in the value scale and broadcast to the stage's features."""

    schedule: AnySchedule
    code: Code
    threshold: Tensor
    initial_potential: Tensor
    amplitude: Tensor


def assemble(
    staged: Sequence[StagedNode],
    settings: Callable[[StagedNode], StageSettings],
    *,
    encoder: AnyEncoder,
    input_shape: tuple[int, ...],
) -> Blueprint:
    """Write a blueprint down; `settings` is asked once per stage."""
    nodes: list[Node] = []
    arrays: dict[str, Tensor] = {}
    for node in staged:
        if node.weight is not None:
            arrays[f"{node.name}.weight"] = node.weight
        if node.bias is not None:
            arrays[f"{node.name}.bias"] = node.bias
        firing = None
        if node.fires is not None:
            chosen = settings(node)
            firing = Firing(
                law=IntegrateFire(),
                schedule=chosen.schedule,
                code=chosen.code,
                carries=node.fires.carries,
                before_firing=tuple(op for op, _, _ in node.fires.before),
                channels=node.fires.channels,
            )
            arrays[f"{node.name}.threshold"] = chosen.threshold
            arrays[f"{node.name}.initial_potential"] = chosen.initial_potential
            arrays[f"{node.name}.amplitude"] = chosen.amplitude
            for index, (_, gain, bias) in enumerate(node.fires.before):
                if gain is not None and bias is not None:
                    arrays[f"{node.name}.before{index}.weight"] = gain
                    arrays[f"{node.name}.before{index}.bias"] = bias
        nodes.append(Node(name=node.name, op=node.op, inputs=node.inputs, shape=node.shape, firing=firing))
    return Blueprint(Plan(encoder=encoder, input_shape=input_shape, nodes=tuple(nodes)), arrays)
