"""Capture: an unmodified PyTorch module in, a `Source` out, or a refusal that lists every obstacle at once.

`torch.export` traces the module functionally, so in-place sums, reused modules and functional calls mean
what they mean in Python, and a branch on data is refused rather than frozen. Each captured operation is
translated by `aten`; the result is checked against the module on two batch sizes. The module is not changed.
"""

import logging
import operator
import re
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.export import Dim
from torch.export.graph_signature import InputKind

from spikewright import aten, interpreter, source as src
from spikewright.aten import Call, Refused, Value
from spikewright.errors import BadModel, UnsupportedModule
from spikewright.preparation import InputPreparation
from spikewright.source import INPUT, Source, SourceNode


class Obstacle(NamedTuple):
    """One part of a model that cannot be converted."""

    path: str
    what: str
    way_out: str
    line: str

    def __str__(self) -> str:
        where = f" ({self.line})" if self.line else ""
        return f"{self.path}: {self.what}{where}: {self.way_out}"


def capture(model: nn.Module, example: Tensor, *, preparation: InputPreparation | None = None) -> Source:
    """Capture a module as a `Source`.

    Args:
        model: any module with one tensor in and one tensor out; evaluated in eval mode, left as it was.
        example: a prepared input batch, [N, *input_shape].
        preparation: how raw images become such inputs; kept with the source.

    Raises:
        UnsupportedModule: the model holds parts without a spiking equivalent; all of them are listed.
        BadModel: the model cannot be traced or evaluated, or holds values that are not finite.

    Source: graph semantics of torch.export; the two-batch check is this library's.
    """
    if example.dim() < 2 or example.shape[0] < 1:
        raise BadModel(f"the example input must be a batch [N, *features], got shape {tuple(example.shape)}")
    two = example[:1].expand(2, *example.shape[1:]).clone() if example.shape[0] < 2 else example[:2].clone()
    with _evaluating(model), torch.no_grad():
        before = {name: value.detach().clone() for name, value in model.state_dict().items()}
        program = _export(model, two)
        source, obstacles = _Translator(program, two.shape[1:], preparation).translate()
        if obstacles:
            raise UnsupportedModule("; ".join(str(obstacle) for obstacle in obstacles), tuple(obstacles))
        _check_same(model, source, two)
        changed = [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]
        if changed:
            model.load_state_dict(before)
            raise BadModel(f"calling the model in eval mode changes its state ({', '.join(changed[:3])}): make forward free of side effects")
    return source


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _export(model: nn.Module, example: Tensor) -> torch.export.ExportedProgram:
    try:
        model(example)
    except Exception as error:
        raise BadModel(f"the model fails on an input of shape {tuple(example.shape)}: {_first_line(error)}") from None
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # export prints its whole graph when it gives up
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(model, (example,), dynamic_shapes=({0: Dim.AUTO},), strict=False)
            return program.run_decompositions({})
    except Exception as error:
        line = _user_line(error)
        reason = "a branch or a value depends on the data" if "data-dependent" in str(error) else _first_line(error)
        failure = UnsupportedModule(
            f"the model cannot be traced{line}: {reason}: make the computation the same for every input"
        )
        raise failure from None
    finally:
        logging.disable(disabled)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


def _user_line(error: BaseException) -> str:
    """The last frame of the traceback that is neither torch's nor ours, as ' at file:line `code`'."""
    found = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if "/torch/" not in frame.filename and "spikewright/capture" not in frame.filename:
            found = f" at {frame.filename}:{frame.lineno} `{frame.line}`"
    return found


def _check_same(model: nn.Module, source: Source, example: Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(3, *example.shape[1:], generator=generator).to(example)
    for x in (example, torch.cat([example[:1], noise])):
        expected, got = model(x), interpreter.run(source, x)
        scale = float(expected.abs().max()) + 1e-12
        if expected.shape != got.shape or not float((expected - got).abs().max()) <= 1e-4 * scale:
            raise BadModel(
                f"the captured graph does not reproduce the model on a batch of {x.shape[0]}: "
                "its result depends on the batch, on randomness or on hidden state"
            )


class _Translator:
    """Walks an exported graph once and emits source nodes."""

    def __init__(
        self, program: torch.export.ExportedProgram, input_shape: Sequence[int], preparation: InputPreparation | None
    ) -> None:
        self.program = program
        self.input_shape = tuple(input_shape)
        self.preparation = preparation
        self.nodes: list[SourceNode] = []
        self.arrays: dict[str, Tensor] = {}
        self.known: dict[int, str] = {}
        self.taken: dict[str, int] = {INPUT: 1}
        self.obstacles: list[Obstacle] = []
        self.values: dict[fx.Node, Any] = {}

    def translate(self) -> tuple[Source, list[Obstacle]]:
        outputs: list[Any] = []
        placeholders = self._constants()
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = placeholders[node.name]
            elif node.op == "output":
                outputs = list(node.args[0])
            elif node.op == "call_function":
                self.values[node] = self._call(node)
        results = [self.values[node] for node in outputs if isinstance(node, fx.Node)]
        if len(results) != 1 or not isinstance(results[0], Value | _Unknown):
            raise UnsupportedModule(
                f"the model returns {len(results)} tensors that depend on the input: return exactly one (wrap the model if need be)"
            )
        if self.obstacles:
            return _EMPTY, self.obstacles
        self._emit_output(results[0])
        used = {name for node in self.nodes for _, name in node.arrays}
        arrays = {name: array for name, array in self.arrays.items() if name in used}
        return Source(self.input_shape, tuple(self.nodes), arrays, self.preparation), []

    def _emit_output(self, result: Value) -> None:
        """Make the output the last node: drop what nobody reads, or pass it on."""
        needed, keep = {result.node}, []
        for node in reversed(self.nodes):
            if node.name in needed:
                needed.update(node.inputs)
                keep.append(node)
        self.nodes = keep[::-1]
        if not self.nodes or self.nodes[-1].name != result.node:
            self.nodes.append(SourceNode(name="output", op=src.ops.Identity(), inputs=(result.node,), shape=result.shape))

    def _constants(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        inputs = 0
        for spec in self.program.graph_signature.input_specs:
            name = getattr(spec.arg, "name", "")
            if spec.kind == InputKind.USER_INPUT:
                inputs += 1
                found[name] = Value(INPUT, self.input_shape)
                continue
            target = spec.target or name
            state = self.program.state_dict
            tensor = state[target] if target in state else self.program.constants[target]
            tensor = tensor.detach()
            if id(tensor) not in self.known:
                self.known[id(tensor)] = target
            self._held.append(tensor)
            found[name] = tensor
        if inputs != 1:
            raise UnsupportedModule(f"the model takes {inputs} tensors: one input is supported (wrap the model)")
        return found

    @property
    def _held(self) -> list[Tensor]:
        """Constants kept alive, so that `id` stays unique while translating."""
        return self.__dict__.setdefault("_alive", [])

    def _call(self, node: fx.Node) -> Any:
        if node.target is operator.getitem:
            container, index = node.args
            value = self.values[container]  # pyright: ignore[reportArgumentType]
            return value if isinstance(value, _Unknown) else value[index]
        arguments = self._arguments(node)
        flat = list(_flatten(arguments.values()))
        if any(isinstance(value, _Unknown) for value in flat):
            return _UNKNOWN
        if not any(isinstance(value, Value) for value in flat):
            return self._fold_constant(node)
        meta = node.meta.get("val")
        if not isinstance(meta, Tensor | tuple | list):
            return meta  # a size or a check of one
        try:
            return self._translate(node, arguments, meta)
        except Refused as refused:
            path = self._path(node)
            self.obstacles.append(Obstacle(path, refused.what, refused.way_out, _source_line(node)))
            return self._stand_in(node, meta)

    @staticmethod
    def _stand_in(node: fx.Node, meta: Any) -> Any:
        """A value to go on with after a refusal, so that the obstacles behind it are found too."""
        known = isinstance(meta, Tensor) and meta.dim() > 0 and isinstance(meta.shape[0], torch.SymInt)
        return Value(node.name, tuple(int(size) for size in meta.shape[1:])) if known else _UNKNOWN

    def _translate(self, node: fx.Node, arguments: dict[str, Any], meta: Any) -> Any:
        overload = node.target
        namespace, name = overload._schema.name.split("::")  # pyright: ignore
        target = name if namespace == "aten" else f"{namespace}::{name}"
        function = aten.TRANSLATIONS.get(target)
        kind = self._kind(node)
        if function is None:
            raise Refused(f"{kind} ({target}) has no spiking equivalent", aten.WAYS_OUT.get(target, "replace it by layers that docs/supported.md lists"))
        first = meta if isinstance(meta, Tensor) else meta[0]
        if not isinstance(first.shape[0], torch.SymInt):
            raise Refused(f"{kind} ({target}) mixes samples of a batch or fixes its size", "keep the first axis for the batch, of any size")
        call = Call(target, arguments, tuple(int(size) for size in first.shape[1:]), self._emitter(node))
        return function(call)

    def _arguments(self, node: fx.Node) -> dict[str, Any]:
        schema = getattr(node.target, "_schema", None)
        named: dict[str, Any] = {}
        names = [argument.name for argument in schema.arguments] if schema else []
        for position, value in enumerate(node.args):
            named[names[position] if position < len(names) else str(position)] = self._resolve(value)
        named.update({key: self._resolve(value) for key, value in node.kwargs.items()})
        return named

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, fx.Node):
            return self.values[value]
        if isinstance(value, list | tuple):
            return [self._resolve(item) for item in value]
        return value

    def _fold_constant(self, node: fx.Node) -> Any:
        """Evaluate what does not depend on the input (weights computed from parameters)."""
        if not callable(node.target):
            return None
        args = fx.node.map_arg(node.args, lambda inner: self.values[inner])
        kwargs = fx.node.map_arg(node.kwargs, lambda inner: self.values[inner])
        result = node.target(*args, **kwargs)
        if isinstance(result, Tensor):
            self._held.append(result)
            self.known.setdefault(id(result), node.name)
        return result

    def _emitter(self, node: fx.Node) -> Callable[..., Value]:
        path = self._path(node)

        def emit(op: src.SourceOp, inputs: Sequence[Value], shape: Sequence[int], **arrays: Tensor | None) -> Value:
            if not all(isinstance(value, Value) for value in inputs):
                raise Refused("an operation between a constant and a signal", "swap the operands or fold the constant")
            count = self.taken.get(path, 0) + 1
            self.taken[path] = count
            name = path if count == 1 else f"{path}#{count}"
            roles = tuple((role, self._keep(name, role, array)) for role, array in arrays.items() if array is not None)
            self.nodes.append(
                SourceNode(name=name, op=op, inputs=tuple(value.node for value in inputs), shape=tuple(shape), arrays=roles)
            )
            return Value(name, tuple(shape))

        return emit

    def _keep(self, node: str, role: str, array: Tensor) -> str:
        name = self.known.get(id(array))
        if name is None or (name in self.arrays and not torch.equal(self.arrays[name], array)):
            name = f"{node}.{role}"
        if not array.is_floating_point():
            array = array.to(torch.get_default_dtype())
        self.arrays[name] = array.detach().clone()
        return name

    def _path(self, node: fx.Node) -> str:
        path, kind = self._module(node)
        operation = re.sub(r"^_|_no_training$|_native_|_legit", "", str(node.target).split(".")[1])
        if kind.startswith("torch.nn.modules") and path:
            return path
        return f"{path}.{operation}" if path else operation

    def _kind(self, node: fx.Node) -> str:
        path, kind = self._module(node)
        return kind.split(".")[-1] if kind.startswith("torch.nn.modules") and path else str(node.target).split(".")[1]

    @staticmethod
    def _module(node: fx.Node) -> tuple[str, str]:
        for path, kind in reversed(list((node.meta.get("nn_module_stack") or {}).values())):
            if not path.startswith("_empty"):
                kind = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
                return re.sub(r"@\d+$", "", path.removeprefix("L['self'].").removeprefix("L__self__.")), kind
        return "", ""


class _Unknown:
    """The result of a refused operation: whatever reads it is not looked at again."""


_UNKNOWN = _Unknown()
_EMPTY = Source((), (), {})


def _flatten(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple) and not isinstance(value, Value):
            yield from _flatten(value)
        else:
            yield value


def _source_line(node: fx.Node) -> str:
    """The user's own line: the last frame of the stack trace outside torch."""
    frames = re.findall(r'File "([^"]+)", line (\d+), in [^\n]*\n\s*([^\n]*)', node.meta.get("stack_trace") or "")
    own = [frame for frame in frames if "/torch/" not in frame[0]]
    return f"{own[-1][0]}:{own[-1][1]} `{own[-1][2]}`" if own else ""
