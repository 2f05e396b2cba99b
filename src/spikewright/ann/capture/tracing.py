"""torch.export of a module that is left exactly as it was: modes, attributes, parameters and buffers.

The batch axis is dynamic. Export traces the Python first (non-strict); if that pins the batch size, as
`len(x)` does, it reads the bytecode instead (strict). Knows nothing about sources.
"""

import io
import logging
import re
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import Dim
from torch.export.dynamic_shapes import ShapesCollection
from torch.export.graph_signature import InputKind
from torch.utils._pytree import tree_leaves

from spikewright.ann.capture.arguments import Arguments
from spikewright.ann.capture.fake_quantise import WrittenOut
from spikewright.ann.capture.in_place import write_functionally
from spikewright.ann.ends import Batch, by_name, joined, named_leaves
from spikewright.errors import BadModel, UnsupportedModule

_NOT_THE_USERS = (str(Path(torch.__file__).parent), str(Path(__file__).parent), "<")


@contextmanager
def untouched(model: nn.Module) -> Iterator[Callable[[], list[str]]]:
    """Evaluate in here; afterwards the module is as before. Yields a function that names changed tensors."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    before = {name: tensor.detach().clone() for name, tensor in tensors.items()}
    attributes = [(module, dict(vars(module)), dict(module._buffers)) for module in model.modules()]

    def changed() -> list[str]:
        now = {**tensors, **dict(model.named_buffers())}
        return [name for name, tensor in now.items() if name not in before or not _identical(tensor, before[name])]

    model.eval()
    try:
        yield changed
    finally:
        with torch.no_grad():
            for name, tensor in tensors.items():
                if not _identical(tensor, before[name]):
                    tensor.copy_(before[name])
        for module, attributes_of, buffers in attributes:
            vars(module).clear()
            vars(module).update(attributes_of)
            module._buffers.clear()
            module._buffers.update(buffers)


def _identical(left: Tensor, right: Tensor) -> bool:
    """Equal in every element; NaN equals NaN."""
    return left.shape == right.shape and bool(((left == right) | (left.isnan() & right.isnan())).all())


def export(
    model: nn.Module, arguments: Arguments, batch: Batch
) -> tuple[torch.export.ExportedProgram, tuple[str, ...]]:
    """Trace a module on a batch of at least two; without in-place operations. And the names of its outputs.

    Raises:
        BadModel: the module fails on the example.
        UnsupportedModule: its computation depends on the data, or it gives no tensor.
    """
    names = _try_two_sizes(model, arguments, batch)
    with _refusing(), WrittenOut(), _flattened(model, names):
        program = _trace(model, arguments.of(batch), strict=False)
        if isinstance(batch_size(program), torch.SymInt):
            return program, names
        try:
            strict = _trace(model, arguments.of(batch), strict=True)
        except Exception:
            return program, names
        return (strict if isinstance(batch_size(strict), torch.SymInt) else program), names


@contextmanager
def _flattened(model: nn.Module, names: Sequence[str]) -> Iterator[None]:
    """In here the module returns its tensors as one tuple, where they are several or inside of something else."""
    if list(names) == [""]:
        yield
        return
    own, forward = "forward" in vars(model), model.forward

    @wraps(forward)
    def flat(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
        return tuple(tensor for _, tensor in named_leaves(forward(*args, **kwargs)))

    model.forward = flat
    try:
        yield
    finally:
        if own:
            model.forward = forward
        else:
            del model.forward


def decomposed(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """The same traced anew by torch, in fewer kinds of operations; most of the time of a capture, where it is needed.

    Raises:
        UnsupportedModule: its computation depends on the data.
    """
    with _refusing(), _quietly():
        return program.run_decompositions({})


@contextmanager
def _refusing() -> Iterator[None]:
    """What tracing raises in here is a refusal of the model."""
    try:
        yield
    except Exception as error:
        depends = "data-dependent" in str(error)
        reason = "a branch or a value depends on the data" if depends else first_line(error)
        raise UnsupportedModule(
            f"the model cannot be traced{_user_line(error)}: {reason}: make the computation the same for every input"
        ) from None


def _try_two_sizes(model: nn.Module, arguments: Arguments, batch: Batch) -> tuple[str, ...]:
    """Call the module on two sizes of batches; the names of the tensors that it gives, "" for one alone."""
    args, kwargs = arguments.of(joined([batch]))
    tensors = by_name(arguments.names, batch)
    try:
        names = tuple(name for name, _ in named_leaves(model(*args, **kwargs)))
    except Exception as error:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in tensors.values())
        whole = next((name for name, tensor in tensors.items() if not tensor.is_floating_point()), None)
        if whole is not None:
            raise BadModel(
                f"the example input {whole!r} holds {tensors[whole].dtype}, and the model fails on inputs of shape "
                f"{shapes}: {first_line(error)}: whole numbers are ids for an embedding; give floating point elsewhere"
            ) from None
        missing = isinstance(error, TypeError) and "required positional argument" in str(error)
        way_out = ": give an example of all inputs, a tuple or a dict" if missing else ""
        raise BadModel(f"the model fails on an input of shape {shapes}: {first_line(error)}{way_out}") from None
    three = joined([batch, batch[:1]])
    try:
        args, kwargs = arguments.of(three)
        model(*args, **kwargs)
    except Exception as error:
        raise UnsupportedModule(
            f"the model takes a batch of {len(batch)} inputs but not of {len(three)}{_user_line(error)}: "
            f"{first_line(error)}: keep the first axis for the batch, of any size"
        ) from None
    if not names:
        raise UnsupportedModule("the model gives no tensor: return one, or several in a tuple, a dict or a dataclass")
    return names


def _trace(
    model: nn.Module, given: tuple[tuple[Any, ...], dict[str, Any]], *, strict: bool
) -> torch.export.ExportedProgram:
    with _quietly():
        shapes, (args, kwargs) = ShapesCollection(), given
        for leaf in tree_leaves((args, kwargs)):
            if isinstance(leaf, Tensor):
                shapes[leaf] = {0: Dim.AUTO}
        dynamic = shapes.dynamic_shapes(model, args, kwargs)
        program = torch.export.export(model, args, kwargs, dynamic_shapes=dynamic, strict=strict)
        return program if write_functionally(program) else program.run_decompositions({})


@contextmanager
def _quietly() -> Iterator[None]:
    """Export prints its whole graph when it gives up: not in here."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def batch_size(program: torch.export.ExportedProgram) -> "int | torch.SymInt":
    """The traced batch size: a symbol, or a number where the module fixes it."""
    given = {spec.arg.name for spec in program.graph_signature.input_specs if spec.kind == InputKind.USER_INPUT}
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in given and isinstance(node.meta.get("val"), Tensor):
            return node.meta["val"].shape[0]
    return 0


def first_line(error: Exception) -> str:
    """What went wrong, on one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


def _user_line(error: BaseException) -> str:
    """The last frame of the traceback that is neither torch's nor ours, as ' at file:line `code`'."""
    found = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith(_NOT_THE_USERS):
            found = f" at {frame.filename}:{frame.lineno} `{frame.line}`"
    return found


def source_line(node: fx.Node) -> str:
    """The user's own line behind a traced operation: the last frame of its stack trace outside torch."""
    frames = re.findall(r'File "([^"]+)", line (\d+), in [^\n]*\n\s*([^\n]*)', node.meta.get("stack_trace") or "")
    own = [frame for frame in frames if not frame[0].startswith(_NOT_THE_USERS)]
    return f"{own[-1][0]}:{own[-1][1]} `{own[-1][2]}`" if own else ""
