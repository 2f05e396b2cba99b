"""The spiking network as a module: `build(blueprint)`, then call it like any network.

`forward` returns the read-out, by the collapsed engine, in slices of long windows; `walk` and `collapse` yield a record
a stage.
No run writes an attribute: there is no state to reset. Its state dict is the blueprint's arrays, in the value scale and
in the types that they are stored in, whatever the network runs in; loading one makes the network runnable anew.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from spikewright.ann.ends import Batch
from spikewright.engines.collapsed import collapse
from spikewright.engines.ends import checked, returned
from spikewright.engines.lower.folded import fold
from spikewright.engines.program import Program
from spikewright.engines.record import Record
from spikewright.engines.sliced import readouts
from spikewright.engines.stepwise import walk
from spikewright.errors import SpikewrightError
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.plan import Plan

STATE = "blueprint."  # how the names of the state dict begin, after those of the modules that it is in

Making = Callable[[Blueprint], Program]


class SpikingNetwork(nn.Module):
    """A blueprint made runnable; buffers only, nothing to train.

    Args:
        program: the folded or lowered steps.
        blueprint: what it was built from.
        made_by: makes the program of a blueprint; picklable if the network is to be.
    """

    program: Program

    def __init__(self, program: Program, blueprint: Blueprint, made_by: Making | None = None) -> None:
        super().__init__()
        self.program = program
        self.blueprint = blueprint
        self._made_by = partial(_folded, dtype=_dtype(program)) if made_by is None else made_by

    @property
    def plan(self) -> Plan:
        """The structure."""
        return self.program.plan

    def __repr__(self) -> str:
        own = _dtype(self.program)
        what = repr(self.blueprint).removeprefix("Blueprint(").removesuffix(")")
        return f"SpikingNetwork({what}, {str(own).removeprefix('torch.')})"

    def forward(self, *x: Any, **named: Any) -> Any:
        """[N, *sample_shape] → the read-out [N, *output_shape].

        Several inputs come by position, by keyword, or as one tuple or dict. Several outputs go back as the source's
        model gave them: by position in a tuple, by name in a dict.
        """
        return returned(self.plan, readouts(self.program, self._checked(x, named)))

    def walk(self, *x: Any, **named: Any) -> Iterator[Record]:
        """Run step by step: real spike trains, one record a stage and a read-out, in the plan's order."""
        return walk(self.program, self._checked(x, named))

    def collapse(self, *x: Any, **named: Any) -> Iterator[Record]:
        """Run by closed forms where they hold: the same codes in one pass."""
        return collapse(self.program, self._checked(x, named))

    def _checked(self, x: tuple[Any, ...], named: Mapping[str, Any]) -> Batch:
        return checked(self.plan, next((buffer.dtype for buffer in self.program.buffers()), None), x, named)

    # State ------------------------------------------------------------------------------------------------

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination.update({f"{prefix}{STATE}{name}": array for name, array in self.blueprint.arrays.items()})

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Mapping[str, Any],  # noqa: ARG002
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """As every module does it, but that of arrays which do not fit, or make no network, none is loaded."""
        begins, given = f"{prefix}{STATE}", dict(self.blueprint.arrays)
        wrong: list[str] = []
        for name, own in self.blueprint.arrays.items():
            value = state_dict.get(begins + name)
            if value is None:
                missing_keys += [begins + name] if strict else []
            elif not isinstance(value, Tensor) or value.shape != own.shape:
                shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
                wrong.append(f"size mismatch for {begins + name}: {shape} is given, the network has {tuple(own.shape)}")
            else:
                given[name] = value.detach().to(own.device, own.dtype, copy=True)
        known = {begins + name for name in given}
        others = [key for key in state_dict if key.startswith(prefix) and key not in known]
        unexpected_keys += [key for key in others if strict and not key.startswith(f"{prefix}program.")]
        try:
            made = self._with(Blueprint(self.blueprint.plan, given)) if not wrong else None
        except SpikewrightError as error:
            wrong.append(str(error))
        else:
            if made is not None:
                self.program, self.blueprint = made
        error_msgs += wrong

    def _with(self, blueprint: Blueprint) -> tuple[Program, Blueprint]:
        """A program of another blueprint, in the type and on the device of this one's."""
        own = next(self.program.buffers(), None)
        program = self._made_by(blueprint)
        return (program if own is None else program.to(own.device, own.dtype)), blueprint

    def __getstate__(self) -> dict[str, Any]:
        """All but the program, which follows from the blueprint."""
        own = next(self.program.buffers(), None)
        parts = {name: part for name, part in self._modules.items() if name != "program"}
        return {**self.__dict__, "_modules": parts, "_place": None if own is None else (own.device, own.dtype)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        place = state.pop("_place")
        super().__setstate__(state)
        program = self._made_by(self.blueprint)
        self.program = program if place is None else program.to(*place)


def _dtype(program: Program) -> torch.dtype:
    return next((buffer.dtype for buffer in program.buffers()), torch.float32)


def _folded(blueprint: Blueprint, *, dtype: torch.dtype) -> Program:
    return fold(blueprint, dtype=dtype).eval()


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
    make = partial(_folded, dtype=dtype) if lower is None else lower
    return SpikingNetwork(make(blueprint), blueprint, make)
