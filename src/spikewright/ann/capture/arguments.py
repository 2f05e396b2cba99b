"""What a module is captured with: the arguments of its forward, of which the tensors are inputs, each by a name.

    tensor, (tensor, …)     by position        {name: tensor, …}     by keyword        Example(args, kwargs)     both
An input goes by the name of forward's parameter, dotted where it is inside a list or dict; a single one is "input".
What is no tensor (None, a bool, a number) is a constant of the trace.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_flatten_with_path, tree_unflatten

from spikewright.ann.ends import INPUT, Batch, Named, by_name
from spikewright.ann.source import SourceInput
from spikewright.errors import BadModel

_FULL = (torch.float32, torch.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """Arguments to capture a module with, some by position and some by keyword."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Arguments:
    """The arguments of a call, with the tensors of a batch in their places.

    Attributes:
        batch: the example's own tensors; a single one as it is, several by name.
        leaves: all arguments, flattened; the tensors' places, by name, are in `places`.
    """

    batch: Batch
    leaves: tuple[Any, ...]
    places: Mapping[str, int]
    tree: Any

    @property
    def names(self) -> tuple[str, ...]:
        """Of the inputs, in the order of forward's parameters."""
        return tuple(self.places)

    @property
    def inputs(self) -> tuple[SourceInput, ...]:
        """The inputs, ids not told from real numbers yet."""
        tensors = by_name(self.names, self.batch)
        return tuple(SourceInput(name=name, shape=tuple(tensors[name].shape[1:])) for name in self.names)

    def of(self, batch: Batch) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments by position and by keyword."""
        leaves, tensors = list(self.leaves), by_name(self.names, batch)
        for name, place in self.places.items():
            leaves[place] = tensors[name]
        return tree_unflatten(leaves, self.tree)

    def sized(self, count: int) -> Batch:
        """The example with so many samples: its first ones, or the first again and again."""
        tensors = by_name(self.names, self.batch)
        made = {
            name: tensor[:count].clone()
            if len(tensor) >= count
            else tensor[:1].expand(count, *tensor.shape[1:]).clone()
            for name, tensor in tensors.items()
        }
        return made[self.names[0]] if isinstance(self.batch, Tensor) else Named(made)


def arguments_of(model: nn.Module, example: Any) -> Arguments:
    """The example as arguments of the module's forward, in the precision of its weights.

    Raises:
        BadModel: no tensor, others than forward takes, a tensor that is no batch, of bools, or not finite, batches of
            different size, or weights of two precisions.
    """
    args, given = _as_call(example)
    _require_fitting(model, args, given, example)
    order = [name for name in _parameters(model) if name in given]
    kwargs = {name: given[name] for name in (*order, *(name for name in given if name not in order))}
    leaves, tree = tree_flatten((args, kwargs))
    found = {place: leaf for place, leaf in enumerate(leaves) if isinstance(leaf, Tensor | np.ndarray)}
    if not found:
        raise BadModel(f"the example input must be a tensor [N, *features], got {_kind(example)}: give inputs")
    named = dict(zip(_names(model, args, kwargs), range(len(leaves)), strict=True))
    places = {name: place for name, place in named.items() if place in found}
    if len(places) == 1:
        places = {INPUT: next(iter(places.values()))}
    dtype = _precision(model)
    tensors = {name: _input_of(name, torch.as_tensor(found[place]), dtype) for name, place in places.items()}
    if len({len(tensor) for tensor in tensors.values()}) > 1:
        sizes = ", ".join(f"{name!r} {tuple(tensor.shape)}" for name, tensor in tensors.items())
        raise BadModel(f"the example's inputs are of different batches: {sizes}: give as many samples of each")
    batch = next(iter(tensors.values())) if len(tensors) == 1 else Named(tensors)
    return Arguments(batch, tuple(leaves), places, tree)


def _as_call(example: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(example, Example):
        return tuple(example.args), dict(example.kwargs)
    if isinstance(example, Named):
        return (), dict(example.tensors)
    if isinstance(example, Mapping):
        return (), dict(example)
    return (tuple(example), {}) if isinstance(example, tuple | list) else ((example,), {})


def _require_fitting(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], example: Any) -> None:
    try:
        signature = inspect.signature(model.forward)
    except (ValueError, TypeError):
        return
    try:
        signature.bind_partial(*args, **kwargs)  # the model says best what is missing
    except TypeError as error:
        raise BadModel(f"forward{signature} does not take the example, got {_kind(example)}: {error}") from None


def _kind(example: Any) -> str:
    many = isinstance(example, tuple | list | Mapping)
    return f"a {type(example).__name__}" + (f" of {len(example)}" if many else "")


def _names(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """A name for every leaf of the arguments."""
    parameters = _positional(model, len(args))
    found = []
    for path, _ in tree_flatten_with_path((args, kwargs))[0]:
        whole, first, *inner = [str(getattr(key, "idx", getattr(key, "key", getattr(key, "name", "")))) for key in path]
        found.append(".".join([parameters[int(first)] if whole == "0" else first, *inner]))
    return found


def _positional(model: nn.Module, count: int) -> list[str]:
    """Names of the first parameters of forward; those of `*args` are numbered."""
    parameters = list(_parameters(model).values())
    own = [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)][:count]
    rest = next((each.name for each in parameters if each.kind == each.VAR_POSITIONAL), "args")
    return own + [f"{rest}{place}" for place in range(count - len(own))]


def _parameters(model: nn.Module) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(model.forward).parameters
    except (ValueError, TypeError):
        return {}


def _input_of(name: str, tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    which = "the example input" if name == INPUT else f"the example input {name!r}"
    if tensor.dtype == torch.bool:
        raise BadModel(
            f"{which} holds torch.bool: masks are no inputs here: make it a constant (a buffer) of the model"
        )
    real = tensor.is_floating_point()
    if tensor.is_complex():
        raise BadModel(f"{which} holds {tensor.dtype}: give floating point, prepared as for training")
    if tensor.dim() < (2 if real else 1) or tensor.shape[0] < 1:
        raise BadModel(f"{which} must be a batch [N, *features], got shape {tuple(tensor.shape)}")
    if tensor.is_meta:
        raise BadModel(f"{which} is on the meta device and holds no values: give inputs")
    if not bool(tensor.isfinite().all()):
        raise BadModel(f"{which} holds values that are not finite: mend the data or its preparation")
    if not real:
        return tensor.long()
    return tensor.to(dtype or (tensor.dtype if tensor.dtype in _FULL else torch.float32))


def _precision(model: nn.Module) -> torch.dtype | None:
    """That of the weights; None where there are none."""
    named = {tensor.dtype: name for name, tensor in model.named_parameters() if tensor.is_floating_point()}
    if len(named) > 1:
        shown = ", ".join(f"{name!r} {dtype}" for dtype, name in named.items())
        raise BadModel(f"the model's weights are of two precisions ({shown}): make them one, with model.float()")
    return next(iter(named), None)
