"""torch.export of a module that is left exactly as it was: modes, attributes, parameters and buffers.

The batch axis is dynamic. Export traces the Python first (non-strict); if that pins the batch size, as
`len(x)` does, it reads the bytecode instead (strict). Knows nothing about sources.
"""

import io
import logging
import re
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

import torch
from torch import Tensor, fx, nn
from torch.export import Dim
from torch.export.dynamic_shapes import ShapesCollection
from torch.export.graph_signature import InputKind

from spikewright.ann.capture.fake_quantise import WrittenOut
from spikewright.ann.capture.in_place import write_functionally
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
        with torch.compiler.set_stance("force_eager"):  # what torch.compile made runs as it was written
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


def export(model: nn.Module, example: Tensor) -> torch.export.ExportedProgram:
    """Trace a module on a batch of at least two; without in-place operations.

    Raises:
        BadModel: the module fails on the example.
        UnsupportedModule: its computation depends on the data.
    """
    _try_two_sizes(model, example)
    with _refusing(), WrittenOut():
        program = _trace(model, example, strict=False)
    if isinstance(batch_size(program), torch.SymInt):
        return program
    try:
        strict = _trace(model, example, strict=True)
    except Exception:
        return program
    return strict if isinstance(batch_size(strict), torch.SymInt) else program


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
        depends = "data-dependent" in str(error) or "Data-dependent" in str(error)
        reason = "a branch or a value depends on the data" if depends else first_line(error)
        way_out = "compute with PyTorch's operations alone, and the same for every input"
        raise UnsupportedModule(f"the model cannot be traced{_user_line(error)}: {reason}: {way_out}") from None


def _try_two_sizes(model: nn.Module, example: Tensor) -> None:
    try:
        model(example.clone())
    except Exception as error:
        raise BadModel(f"the model fails on an input of shape {tuple(example.shape)}: {first_line(error)}") from None
    three = torch.cat([example, example[:1]])
    try:
        model(three)
    except Exception as error:
        raise UnsupportedModule(
            f"the model takes a batch of {len(example)} inputs but not of {len(three)}{_user_line(error)}: "
            f"{first_line(error)}: keep the first axis for the batch, of any size"
        ) from None


def _trace(model: nn.Module, example: Tensor, *, strict: bool) -> torch.export.ExportedProgram:
    with _quietly():
        shapes = ShapesCollection()
        shapes[example] = {0: Dim.AUTO}
        program = torch.export.export(
            model, (example,), dynamic_shapes=shapes.dynamic_shapes(model, (example,)), strict=strict
        )
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
