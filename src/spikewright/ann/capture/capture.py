"""Capture: an unmodified PyTorch module in, a `Source` out, or a refusal that lists every obstacle at once.

`torch.export` traces the module functionally, so in-place sums, reused modules and functional calls mean
what they mean in Python, and a branch on data is refused rather than frozen. Each captured operation is
translated by `aten`; the result is checked against the module on two batch sizes. The module is not changed.
A softmax or log-softmax over the classes, or a sigmoid, at the very end is left out: the source gives the logits.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from spikewright.ann import interpreter
from spikewright.ann.capture.arguments import Arguments, arguments_of
from spikewright.ann.capture.given import require_module
from spikewright.ann.capture.tracing import decomposed, export, first_line, untouched
from spikewright.ann.capture.translator import Translator
from spikewright.ann.ends import Batch, Named, by_name, joined, named_leaves, tensors_of
from spikewright.ann.source import Source, SourceInput
from spikewright.data.preparation import InputPreparation
from spikewright.errors import BadModel, SpikewrightError, UnsupportedModule


def capture(model: nn.Module, example: Any, *, preparation: InputPreparation | None = None) -> Source:
    """Capture a module as a `Source`.

    Args:
        model: any module; evaluated in eval mode, left as it was. Several tensors may come out, in tuples, lists, dicts
            or dataclasses.
        example: a prepared input batch, [N, *input_shape], brought to the precision of the weights; of several inputs a
            tuple (by position), a dict (by keyword), or an `Example`. Whole numbers are ids for an embedding.
        preparation: how raw images become such inputs; kept with the source.

    Raises:
        UnsupportedModule: the model holds parts without a spiking equivalent; all of them are listed.
        BadModel: the model cannot be traced or evaluated, holds values that are not finite, none yet, or some of half
            precision, or is TorchScript; or the example is no batch.

    Source: graph semantics of torch.export; the two-batch check is this library's.
    """
    model = require_module(model)
    arguments = arguments_of(model, example)
    two = arguments.sized(2)
    with untouched(model) as changed, torch.no_grad():
        program, names_out = export(model, arguments, two)
        try:
            source = _translated(program, model, arguments, names_out, preparation)
        except SpikewrightError:  # torch's own decomposition has the last word
            source = _translated(decomposed(program), model, arguments, names_out, preparation)
        names = changed()
        if names:
            raise BadModel(
                f"calling the model in eval mode changes its state ({', '.join(names[:3])}): "
                "make forward free of side effects"
            )
    return source


def _translated(
    program: torch.export.ExportedProgram,
    model: nn.Module,
    arguments: Arguments,
    outputs: Sequence[str],
    preparation: InputPreparation | None,
) -> Source:
    """A traced program as a source that computes what the module does."""
    translator = Translator(program, arguments.inputs, outputs, preparation)
    source, obstacles = translator.translate()
    if obstacles:
        raise UnsupportedModule(obstacles=obstacles)
    _check_same(model, source, arguments, translator)
    return source


def _check_same(model: nn.Module, source: Source, arguments: Arguments, translator: Translator) -> None:
    example = arguments.sized(2)
    for x in (example, joined([example[:1], _noise(source.inputs, example)])):
        count = len(x)
        try:
            args, kwargs = arguments.of(Named(x.tensors) if isinstance(x, Named) else x.clone())
            expected = [tensor for _, tensor in named_leaves(model(*args, **kwargs))]
            made = tensors_of(interpreter.run(source, x))
            got = [read_out(tensor) for read_out, tensor in zip(translator.read_outs, made, strict=True)]
            pairs = list(zip(expected, got, strict=True))
        except (RuntimeError, ValueError, TypeError) as error:
            raise BadModel(f"the captured graph fails on a batch of {count}: {first_line(error)}") from None
        for output, (want, own) in zip(source.outputs, pairs, strict=True):
            which = "" if len(pairs) == 1 else f" at output {output.name!r}"
            if not bool(want.isfinite().all()):
                raise BadModel(f"the model's output is not finite{which}: mend its weights or its inputs")
            scale = float(want.abs().max()) + 1e-12
            if want.shape != own.shape or not float((want - own).abs().max()) <= 1e-4 * scale:
                raise BadModel(
                    f"the captured graph does not reproduce the model on a batch of {count}{which}: its result depends "
                    "on the batch, on randomness or on hidden state: make forward a function of its input alone"
                )


def _noise(inputs: Sequence[SourceInput], like: Batch) -> Batch:
    """Three samples of noise: of real numbers normal, of ids any."""
    generator = torch.Generator().manual_seed(0)
    tensors = by_name([each.name for each in inputs], like)
    made = dict[str, Tensor]()
    for each in inputs:
        shape = (3, *each.shape)
        noise = (
            torch.randn(shape, generator=generator)
            if each.ids is None
            else torch.randint(each.ids, shape, generator=generator)
        )
        made[each.name] = noise.to(tensors[each.name])
    return Named(made) if isinstance(like, Named) else made[inputs[0].name]
