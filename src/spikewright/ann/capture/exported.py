"""A program that `torch.export` made, as a module that can be traced anew with a batch of any size.

Most programs are exported on one batch, whose size is then written into them: as a guard, and as the first number of
each shape that Python worked out. The guards are left out, and a reshape that leaves the batch in front has the rest of
its shape written down alone. What needs that one size all the same is refused. Knows nothing about sources.
"""

import inspect
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from spikewright.errors import UnsupportedModule

_RESHAPES = frozenset({"aten::view", "aten::reshape", "aten::_unsafe_view"})


def module_of(program: ExportedProgram) -> nn.Module:
    """The program as a module in evaluation mode, with the program's own tensors and names.

    Raises:
        UnsupportedModule: it computes for a batch of one size alone.
    """
    guards = {"check_guards": False} if "check_guards" in inspect.signature(program.module).parameters else {}
    module: Any = program.module(**guards)
    for name in ("train", "eval"):  # which refuse to be called: the mode was settled when the program was made
        vars(module).pop(name, None)
    module._forward_pre_hooks.clear()  # which compare sizes
    module._forward_pre_hooks_with_kwargs.clear()
    given = _inputs(program)
    sizes = [tensor.shape[0] for tensor in given if tensor.dim()]
    if sizes and isinstance(sizes[0], int) and sizes.count(sizes[0]) == len(sizes):
        _free_batch(module, sizes[0])
        _require_any_size(module, given, sizes[0])
    return module.eval()


def _inputs(program: ExportedProgram) -> list[Tensor]:
    """What the program was traced with in place of its inputs: shapes and types, without values."""
    named = {spec.arg.name for spec in program.graph_signature.input_specs if spec.kind == InputKind.USER_INPUT}
    nodes = [node for node in program.graph.nodes if node.op == "placeholder" and node.name in named]
    return [node.meta["val"] for node in nodes if isinstance(node.meta.get("val"), Tensor)]


def _free_batch(module: fx.GraphModule, size: int) -> None:
    """Let reshapes that leave the batch in front do so for a batch of any size."""
    for node in module.graph.nodes:
        schema = getattr(node.target, "_schema", None)
        if node.op != "call_function" or schema is None or schema.name not in _RESHAPES:
            continue
        read, made = node.args[0].meta.get("val"), node.meta.get("val")
        if isinstance(read, Tensor) and isinstance(made, Tensor) and {read.shape[:1], made.shape[:1]} == {(size,)}:
            node.args = (node.args[0], [-1, *(int(each) for each in made.shape[1:])])
    module.recompile()


def _require_any_size(module: nn.Module, given: list[Tensor], size: int) -> None:
    other = [torch.zeros((size + 1, *each.shape[1:]), dtype=each.dtype) for each in given]
    try:
        with torch.no_grad():
            module(*other)
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise UnsupportedModule(
            f"the exported program computes for a batch of {size} alone ({lines[0]}): "
            "export it with dynamic_shapes=({0: torch.export.Dim.AUTO},) and a batch of 2 or more"
        ) from None
