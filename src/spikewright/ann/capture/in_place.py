"""In-place operations of an exported graph written as their functional forms, where that can be read off.

Torch does this for any graph (`run_decompositions`), by tracing it again, twice, which takes most of a capture. What
networks hold is simpler: `relu_` of a convolution, `+=` on a batch norm. An operation that overwrites a value which
another operation made, and which nobody has read before, makes a new value, and whoever reads the old one later reads
the new one. Any other graph is left to torch.
"""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import fx

_FRESH = frozenset(  # operations whose result never shares memory with an input
    {
        *("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution"),
        *("linear", "matmul", "mm", "bmm", "addmm", "batch_norm", "cat", "add", "sub", "mul", "div"),
        *("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool2d", "relu"),
        *("relu6", "hardtanh", "clamp", "mean", "sum"),
    }
)


def write_functionally(program: torch.export.ExportedProgram) -> bool:
    """Rewrite the graph without in-place operations; False, and nothing is changed, where it takes torch to do so."""
    planned: dict[fx.Node, Callable[..., Any]] = {}
    place = {node: index for index, node in enumerate(program.graph.nodes)}
    for node in place:
        if node.op == "get_attr" or isinstance(node.target, torch._ops.HigherOrderOperator):
            return False  # graphs within the graph
        schema = getattr(node.target, "_schema", None)
        if node.op != "call_function" or schema is None or not schema.is_mutable:
            continue
        form, old = _functional_form(node), node.args[0] if node.args else None
        if form is None or not isinstance(old, fx.Node) or not (old in planned or _name(old) in _FRESH):
            return False
        if min(old.users, key=place.__getitem__) is not node:
            return False
        planned[node] = form
    for node, form in planned.items():
        node.target = form
        for old in node.all_input_nodes[:1]:  # the first argument, which was overwritten
            old.replace_all_uses_with(node, delete_user_cb=lambda user, node=node: user is not node)
    if planned:
        program.graph_module.recompile()
    return True


def _name(node: fx.Node) -> str:
    if node.op != "call_function" or node.target is operator.getitem:
        return ""
    schema = getattr(node.target, "_schema", None)
    namespace, name = schema.name.split("::") if schema else ("", "")
    return name if namespace == "aten" else ""


def _functional_form(node: fx.Node) -> Callable[..., Any] | None:
    """The operation of the same name and arguments that overwrites nothing; None if there is none."""
    target: Any = node.target
    name, schema = _name(node), target._schema
    written = [argument.alias_info is not None and argument.alias_info.is_write for argument in schema.arguments]
    packet = getattr(torch.ops.aten, name.removesuffix("_"), None)
    form = getattr(packet, target._overloadname, None)
    if not name.endswith("_") or written[0:1] != [True] or any(written[1:]) or form is None:
        return None
    same = [argument.name for argument in form._schema.arguments] == [argument.name for argument in schema.arguments]
    return form if same and not form._schema.is_mutable else None
