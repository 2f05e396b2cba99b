"""A hand-made blueprint, node by node, for tests that must not depend on capture or conversion."""

from collections.abc import Sequence

import torch
from torch import Tensor

from spikewright.ann.ops import Operation
from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.products import Conv
from spikewright.ann.source import INPUT
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.ends import AnyEncoder
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.nodes import AnySchedule, Edge, Firing, Node
from spikewright.snn.plan import Plan
from spikewright.snn.schedules.two_phase import TwoPhase


class Builder:
    """Collects nodes; shapes are found by running each operation."""

    def __init__(self, input_shape: tuple[int, ...], *, seed: int = 0, encoder: AnyEncoder | None = None) -> None:
        self.input_shape = input_shape
        self.encoder = encoder or Graded()
        self.shapes = {INPUT: input_shape}
        self.nodes: list[Node] = []
        self.arrays: dict[str, Tensor] = {}
        self.generator = torch.Generator().manual_seed(seed)

    def weight(self, *shape: int, zeros: float = 0.3) -> Tensor:
        """Random weights, a share of them exactly zero."""
        values = torch.randn(shape, generator=self.generator, dtype=torch.float64)
        return values * (torch.rand(shape, generator=self.generator) >= zeros)

    def add(
        self,
        name: str,
        op: Operation,
        *inputs: str | Edge,
        weight: Tensor | None = None,
        code: Code | None = None,
        before: Sequence[Operation] = (),
        schedule: AnySchedule | None = None,
    ) -> str:
        """Add a node; with a code it fires. What it reads may be an edge, with an alignment."""
        edges = tuple(read if isinstance(read, Edge) else Edge(read) for read in inputs)
        value = op([torch.zeros(1, *self.shapes[edge.source], dtype=torch.float64) for edge in edges], weight)
        if weight is not None:
            self.arrays[f"{name}.weight"] = weight
        firing = None
        if code is not None:
            for index, step in enumerate(before):
                gain = torch.full((value.shape[1], *(1,) * (value.dim() - 2)), 0.5, dtype=torch.float64)
                if isinstance(step, Scale):
                    self.arrays[f"{name}.before{index}.weight"] = gain
                    self.arrays[f"{name}.before{index}.bias"] = gain * 0
                value = step([value], gain if isinstance(step, Scale) else None)
            firing = Firing(
                law=IntegrateFire(),
                schedule=schedule or TwoPhase(),
                code=code,
                carries=name,
                before_firing=tuple(before),  # pyright: ignore[reportArgumentType]
            )
            unit = torch.tensor(0.3, dtype=torch.float64)
            self.arrays |= {f"{name}.threshold": unit, f"{name}.initial_potential": unit / 2}
            self.arrays[f"{name}.amplitude"] = unit
        self.shapes[name] = tuple(value.shape[1:])
        made = Node(name=name, op=op, edges=edges, shape=self.shapes[name])
        self.nodes.append(made if firing is None else made.as_stage(firing))
        return name

    def done(self) -> Blueprint:
        """The blueprint."""
        plan = Plan.of(tuple(self.nodes), encoder=self.encoder, input_shape=self.input_shape)
        return Blueprint(plan, self.arrays)


def conv2d(stride: int = 1, padding: int = 0, dilation: int = 1, **more: object) -> Operation:
    """A two-dimensional convolution with the same geometry on both axes."""
    return Conv(stride=(stride,) * 2, padding=(padding,) * 2, dilation=(dilation,) * 2, **more)  # pyright: ignore
