"""Capture: an unmodified PyTorch module in, a `Source` out, or a refusal that lists every obstacle at once.

`torch.export` traces the module functionally, so in-place sums, reused modules and functional calls mean
what they mean in Python, and a branch on data is refused rather than frozen. Each captured operation is
translated by `aten`; the result is checked against the module on two batch sizes. The module is not changed.
A softmax or log-softmax over the classes, or a sigmoid, at the very end is left out: the source gives the logits.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from spikewright.ann import interpreter
from spikewright.ann.capture.given import Model, example_of, require_module
from spikewright.ann.capture.tracing import decomposed, export, first_line, untouched
from spikewright.ann.capture.translator import Translator
from spikewright.ann.source import Source
from spikewright.data.preparation import InputPreparation
from spikewright.errors import BadModel, SpikewrightError, UnsupportedModule


def capture(model: Model, example: Tensor, *, preparation: InputPreparation | None = None) -> Source:
    """Capture a module as a `Source`.

    Args:
        model: any module with one tensor in and one tensor out, evaluated in eval mode, left as it was; what
            `torch.export` made of one; either may be in a wrapper of torch's (`DataParallel`, `torch.compile`).
        example: a prepared input batch, [N, *input_shape]; brought to the precision of the weights.
        preparation: how raw images become such inputs; kept with the source.

    Raises:
        UnsupportedModule: the model holds parts without a spiking equivalent; all of them are listed.
        BadModel: the model cannot be traced or evaluated, holds values that are not finite, none yet, or some of half
            precision, or is TorchScript; or the example is no batch.

    Source: graph semantics of torch.export; the two-batch check is this library's.
    """
    module = require_module(model)
    example = example_of(module, example)
    two = example[:1].expand(2, *example.shape[1:]).clone() if example.shape[0] < 2 else example[:2].clone()
    with untouched(module) as changed, torch.no_grad():
        program = export(module, two)
        try:
            source = _translated(program, module, two, preparation)
        except SpikewrightError:  # torch's own decomposition has the last word
            source = _translated(decomposed(program), module, two, preparation)
        names = changed()
        if names:
            raise BadModel(
                f"calling the model in eval mode changes its state ({', '.join(names[:3])}): "
                "make forward free of side effects"
            )
    return source


def _translated(
    program: torch.export.ExportedProgram, model: nn.Module, example: Tensor, preparation: InputPreparation | None
) -> Source:
    """A traced program as a source that computes what the module does."""
    translator = Translator(program, example.shape[1:], preparation)
    source, obstacles = translator.translate()
    if obstacles:
        raise UnsupportedModule(obstacles=obstacles)
    _check_same(model, source, example, translator.read_out)
    return source


def _check_same(model: nn.Module, source: Source, example: Tensor, read_out: Callable[[Tensor], Tensor]) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(3, *example.shape[1:], generator=generator).to(example)
    for x in (example, torch.cat([example[:1], noise])):
        try:
            (expected,) = (leaf for leaf in tree_leaves(model(x.clone())) if isinstance(leaf, Tensor))
            got = read_out(interpreter.run(source, x))
        except (RuntimeError, ValueError, TypeError) as error:
            raise BadModel(f"the captured graph fails on a batch of {x.shape[0]}: {first_line(error)}") from None
        if not bool(expected.isfinite().all()):
            raise BadModel("the model's output is not finite: mend its weights or its inputs")
        scale = float(expected.abs().max()) + 1e-12
        if expected.shape != got.shape or not float((expected - got).abs().max()) <= 1e-4 * scale:
            raise BadModel(
                f"the captured graph does not reproduce the model on a batch of {x.shape[0]}: its result depends "
                "on the batch, on randomness or on hidden state: make forward a function of its input alone"
            )
