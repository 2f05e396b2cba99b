"""The spiking network as a module: `build(blueprint)`, then call it like any network.

`forward` is the collapsed engine and returns the read-out; `walk` and `collapse` yield a record per stage.
No method writes an attribute: there is no state to reset.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from spikewright.engines.collapsed import collapse
from spikewright.engines.lower.folded import fold
from spikewright.engines.program import Program
from spikewright.engines.record import Record
from spikewright.engines.stepwise import walk
from spikewright.errors import BadData
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.plan import Plan


class SpikingNetwork(nn.Module):
    """A blueprint made runnable; buffers only, nothing to train.

    Args:
        program: the folded or lowered steps.
        blueprint: what it was built from.
    """

    def __init__(self, program: Program, blueprint: Blueprint) -> None:
        super().__init__()
        self.program = program
        self.blueprint = blueprint

    @property
    def plan(self) -> Plan:
        """The structure."""
        return self.program.plan

    def __repr__(self) -> str:
        own = next((buffer.dtype for buffer in self.program.buffers()), torch.float32)
        what = repr(self.blueprint).removeprefix("Blueprint(").removesuffix(")")
        return f"SpikingNetwork({what}, {str(own).removeprefix('torch.')})"

    def forward(self, x: Tensor) -> Tensor:
        """[N, *sample_shape] → the read-out [N, *output_shape], by the collapsed engine."""
        result = x
        for record in self.collapse(x):
            result = record.codes
        return result

    def walk(self, x: Tensor) -> Iterator[Record]:
        """Run step by step: real spike trains, one record a stage, the read-out last."""
        return walk(self.program, self._checked(x))

    def collapse(self, x: Tensor) -> Iterator[Record]:
        """Run by closed forms where they hold: the same codes in one pass."""
        return collapse(self.program, self._checked(x))

    def _checked(self, x: Tensor) -> Tensor:
        """The input in the network's own type; it may be widened, never narrowed."""
        if not isinstance(x, Tensor):
            raise BadData(f"the network takes a tensor [N, *sample_shape], got {type(x).__name__}: torch.as_tensor(x)")
        if not x.dim() or tuple(x.shape[1:]) != self.plan.sample_shape:
            raise BadData(
                f"the network takes inputs of shape {self.plan.sample_shape}, got {tuple(x.shape[1:])}: "
                "resize them or convert the model for that shape"
            )
        own = next((buffer.dtype for buffer in self.program.buffers()), x.dtype)
        if torch.promote_types(x.dtype, own) != own:
            raise BadData(
                f"the network runs in {own}, the input is {x.dtype}: give {own}, or build it with dtype={x.dtype}"
            )
        return x.to(own)


def build(
    blueprint: Blueprint,
    *,
    dtype: torch.dtype = torch.float32,
    lower: Callable[[Blueprint], Program] | None = None,
) -> SpikingNetwork:
    """Make a blueprint runnable.

    Args:
        blueprint: the network as data.
        dtype: the floating point it runs in.
        lower: makes an integer program of it instead, such as `IntegerMode(weights=Uniform(bits=8)).lower`.

    Raises:
        NotExact: as `lower` does.
    """
    return SpikingNetwork(lower(blueprint) if lower is not None else fold(blueprint, dtype=dtype).eval(), blueprint)
