"""An exported graph into source nodes, one call after the other; what is refused is noted, and looked past.

Knows nothing about what an operation means: that is in `aten/`.
"""

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, fx
from torch.export.graph_signature import InputKind, OutputKind, TensorArgument
from torch.fx.node import map_arg

from spikewright.ann.capture.aten.call import Call, Origin, Refused, Value
from spikewright.ann.capture.aten.translations import translations
from spikewright.ann.capture.hints import WAYS_OUT
from spikewright.ann.capture.ids import Ids
from spikewright.ann.capture.outputs import ReadOut, as_it_is, obstacles_at, read_out_of, with_ends
from spikewright.ann.capture.tracing import batch_size, source_line
from spikewright.ann.ends import OUTPUT, SourceInput
from spikewright.ann.ops import Operation
from spikewright.ann.source import Source, SourceNode
from spikewright.data.preparation import InputPreparation
from spikewright.errors import Obstacle


class Translator:
    """Walks an exported graph once and emits source nodes."""

    def __init__(
        self,
        program: torch.export.ExportedProgram,
        inputs: Sequence[SourceInput],
        outputs: Sequence[str],
        preparation: InputPreparation | None,
    ) -> None:
        self.program = program
        self.inputs = {each.name: each for each in inputs}
        self.ids = Ids(self.inputs)
        self.output_names = [OUTPUT] if len(outputs) == 1 else list(outputs)
        self.preparation = preparation
        self.batch = batch_size(program)
        self.nodes: list[SourceNode] = []
        self.arrays: dict[str, Tensor] = {}
        self.known: dict[int, str] = {}
        self.taken: dict[str, int] = dict.fromkeys(self.inputs, 1)
        self.obstacles: list[Obstacle] = []
        self.values: dict[fx.Node, Any] = {}
        self.ends: dict[Any, ReadOut] = {}  # what the model does to the logits at an end
        self.read_outs: list[ReadOut] = []  # the same, by output
        self.alive: list[Tensor] = []  # constants, so that `id` stays unique while translating

    def translate(self) -> tuple[Source, list[Obstacle]]:
        """The source, or an empty one and every obstacle in its way."""
        outputs: list[Any] = []
        placeholders = self._constants()
        self._note_fixed_batch()
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = placeholders[node.name]
            elif node.op == "get_attr":
                self.values[node] = None
            elif node.op == "output":
                specs = self.program.graph_signature.output_specs
                paired = zip(node.args[0], specs, strict=True)
                outputs = [value for value, spec in paired if spec.kind == OutputKind.USER_OUTPUT]
            elif node.op == "call_function":
                self.values[node] = self._call(node)
        results = [self.values[node] if isinstance(node, fx.Node) else node for node in outputs]
        refused = any(isinstance(value, _Unknown) for value in results)
        if not (refused and self.obstacles):
            self.obstacles += obstacles_at(self.output_names, results, self.nodes, self.ids)
        if self.obstacles:
            return _EMPTY, list(dict.fromkeys(self.obstacles))
        self.read_outs = [self.ends.get(node, as_it_is) for node in outputs]
        self.nodes, named = with_ends(self.nodes, self.output_names, results)
        used = {name for node in self.nodes for _, name in node.arrays}
        arrays = {name: array for name, array in self.arrays.items() if name in used}
        return Source(tuple(self.inputs.values()), tuple(self.nodes), arrays, self.preparation, named), []

    def _note_fixed_batch(self) -> None:
        """If tracing pinned the batch size, say so and name the first operation that holds it as a number."""
        if isinstance(self.batch, torch.SymInt):
            return
        path, line = "the model", ""
        for node in self.program.graph.nodes:
            sizes = [item[0] for item in node.args if isinstance(item, list | tuple) and item]
            if node.op == "call_function" and self.batch in sizes and "view" in str(node.target):
                path, line = self._path(node), source_line(node)
                break
        way_out = "keep the first axis for the batch, of any size: x.flatten(1), or x.shape[0] for its size"
        self.obstacles.append(Obstacle(path, "fixes the size of the batch", way_out, line))

    def _constants(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        left = list(self.inputs.values())
        examples = {node.name: node.meta.get("val") for node in self.program.graph.nodes if node.op == "placeholder"}
        for spec in self.program.graph_signature.input_specs:
            name = getattr(spec.arg, "name", "")
            if spec.kind == InputKind.USER_INPUT:
                given = isinstance(spec.arg, TensorArgument)
                taken = left.pop(0) if given else None
                found[name] = None if taken is None else Value(taken.name, taken.shape)
                if taken is not None:
                    self.ids.note(taken.name, examples.get(name))
                continue
            target = spec.target or name
            state = self.program.state_dict
            tensor: Any = state[target] if target in state else self.program.constants[target]
            tensor = tensor.detach()
            if id(tensor) not in self.known:
                self.known[id(tensor)] = target
            self.alive.append(tensor)
            found[name] = tensor
        return found

    def _call(self, node: fx.Node) -> Any:
        if node.target is operator.getitem:
            container, index = node.args
            value = self.values[container]  # pyright: ignore[reportArgumentType]
            return value if isinstance(value, _Unknown) else value[index]
        arguments = self._arguments(node)
        flat = list(_flatten(arguments.values()))
        unknown = any(isinstance(value, _Unknown) for value in flat)
        try:
            if unknown:
                return self._behind_a_refusal(node)
            if not any(isinstance(value, Value) for value in flat):
                return self._fold_constant(node)
            meta = node.meta.get("val")
            if self._is_read_out(node, arguments):
                return flat[0]
            if not isinstance(meta, Tensor | tuple | list):
                return meta  # a size or a check of one
            if any(self.ids.holds(value) for value in flat):
                return self.ids.read(_target(node), arguments, self._emitter(node), self.known)
            return self._translate(node, arguments, meta)
        except Refused as refused:
            self.obstacles.append(Obstacle(self._path(node), refused.what, refused.way_out, source_line(node)))
            return _UNKNOWN if unknown else self._stand_in(node)

    def _is_read_out(self, node: fx.Node, arguments: dict[str, Any]) -> bool:
        """Whether a node is a softmax over classes, or a sigmoid, at the very end: it changes no ranking, and goes."""
        read_out = read_out_of(_target(node), arguments)
        if read_out is None or not all(user.op == "output" for user in node.users):
            return False
        self.ends[node] = read_out
        return True

    def _behind_a_refusal(self, node: fx.Node) -> Any:
        """What reads a refused result is not looked at, except to name a layer that could not stay anyway."""
        target = _target(node)
        if target in WAYS_OUT:
            raise Refused(f"{self._kind(node)} ({target}) has no spiking equivalent", WAYS_OUT[target])
        return _UNKNOWN

    def _stand_in(self, node: fx.Node) -> Any:
        """A value to go on with after a refusal, so that the obstacles behind it are found too."""
        meta = node.meta.get("val")
        if isinstance(meta, Tensor) and self._is_batch(meta):
            return Value(node.name, tuple(int(size) for size in meta.shape[1:]))
        return _UNKNOWN

    def _is_batch(self, meta: Tensor) -> bool:
        """Whether the first axis, and no other, is the batch."""
        if not meta.dim() or any(isinstance(size, torch.SymInt) for size in meta.shape[1:]):
            return False
        size = meta.shape[0]
        if isinstance(size, torch.SymInt) and isinstance(self.batch, torch.SymInt):
            return size.node.expr == self.batch.node.expr
        return not isinstance(size, torch.SymInt) and size == self.batch

    def _translate(self, node: fx.Node, arguments: dict[str, Any], meta: Any) -> Any:
        target = _target(node)
        function = translations().get(target)
        kind = self._kind(node)
        if function is None:
            way_out = WAYS_OUT.get(target, "replace it by layers that docs/supported.md lists")
            raise Refused(f"{kind} ({target}) has no spiking equivalent", way_out)
        first = meta if isinstance(meta, Tensor) else meta[0]
        if not self._is_batch(first):
            raise Refused(
                f"{kind} ({target}) mixes samples of a batch or fixes its size",
                "keep the first axis for the batch, of any size",
            )
        call = Call(target, arguments, tuple(int(size) for size in first.shape[1:]), self._emitter(node), self._origin)
        return function(call)

    def _origin(self, value: Value) -> Origin | None:
        """What makes a value; None: it is the input, or made of what was refused."""
        made = {node.name: node for node in self.nodes}
        node = made.get(value.node)
        if node is None:
            return None
        shapes = {name: each.value_shape for name, each in self.inputs.items()}
        shapes |= {name: each.shape for name, each in made.items()}
        if not shapes.keys() >= set(node.inputs):  # it reads what was refused
            return None
        read = tuple(Value(name, shapes[name]) for name in node.inputs)
        return Origin(node.op, read, {role: self.arrays[name] for role, name in node.arrays})

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
        values = [self._resolve(value) for value in (*node.args, *node.kwargs.values())]
        sizes = [value for value in _flatten(values) if isinstance(value, torch.SymInt)]
        one_sample = _target(node) in _SAME_FOR_EVERY_SAMPLE and all(self._is_size(value) for value in sizes)
        if sizes and isinstance(node.meta.get("val"), Tensor) and not one_sample:
            raise Refused(
                f"{self._kind(node)} ({_target(node)}) makes a constant whose size is the batch's",
                "keep constants the same for every sample",
            )

        def value_of(inner: fx.Node) -> Any:
            value = self.values[inner]
            return 1 if one_sample and isinstance(value, torch.SymInt) else value

        result = node.target(*map_arg(node.args, value_of), **map_arg(node.kwargs, value_of))
        if isinstance(result, Tensor):
            self.alive.append(result)
            self.known.setdefault(id(result), node.name)
        return result

    def _is_size(self, value: torch.SymInt) -> bool:
        return isinstance(self.batch, torch.SymInt) and value.node.expr == self.batch.node.expr

    def _emitter(self, node: fx.Node) -> Callable[..., Value]:
        path = self._path(node)

        def emit(op: Operation, inputs: Sequence[Value], shape: Sequence[int], **arrays: Tensor | None) -> Value:
            if not all(isinstance(value, Value) for value in inputs):
                raise Refused("an operation between a constant and a signal", "swap the operands or fold the constant")
            count = self.taken.get(path, 0) + 1
            self.taken[path] = count
            name = path if count == 1 else f"{path}#{count}"
            roles = tuple((role, self._store(name, role, array)) for role, array in arrays.items() if array is not None)
            self.nodes.append(
                SourceNode(
                    name=name, op=op, inputs=tuple(value.node for value in inputs), shape=tuple(shape), arrays=roles
                )
            )
            return Value(name, tuple(shape))

        return emit

    def _store(self, node: str, role: str, array: Tensor) -> str:
        name = self.known.get(id(array))
        if name is None or (name in self.arrays and not torch.equal(self.arrays[name], array)):
            name = f"{node}.{role}"
        if not array.is_floating_point():
            array = array.to(torch.get_default_dtype())
        self.arrays[name] = array.detach().clone()
        return name

    def _path(self, node: fx.Node) -> str:
        path, kind = self._module(node)
        operation = re.sub(r"^_|_no_training$|_native_|_legit", "", _target(node).split("::")[-1])
        if kind.startswith("torch.nn.modules") and path:
            return path
        return f"{path}.{operation}" if path else operation

    def _kind(self, node: fx.Node) -> str:
        path, kind = self._module(node)
        return kind.split(".")[-1] if kind.startswith("torch.nn.modules") and path else _target(node).split("::")[-1]

    @staticmethod
    def _module(node: fx.Node) -> tuple[str, str]:
        for path, kind in reversed(list((node.meta.get("nn_module_stack") or {}).values())):
            if not path.startswith("_empty"):
                name = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
                return re.sub(r"@\d+$", "", path.removeprefix("L['self'].").removeprefix("L__self__.")), name
        return "", ""


class _Unknown:
    """The result of a refused operation: whatever reads it is not looked at again."""


_UNKNOWN = _Unknown()
_EMPTY = Source((), (), {})


# Constants that may be made as large as the batch: one row of them says it all
_SAME_FOR_EVERY_SAMPLE = frozenset({"expand", "zeros", "ones", "full", "repeat"})


def _target(node: fx.Node) -> str:
    """The operation's name: `conv2d` for torch's own, `namespace::name` for others."""
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        return getattr(node.target, "__name__", str(node.target))
    namespace, name = schema.name.split("::")
    return name if namespace == "aten" else f"{namespace}::{name}"


def _flatten(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple) and not isinstance(value, Value):
            yield from _flatten(value)
        else:
            yield value
