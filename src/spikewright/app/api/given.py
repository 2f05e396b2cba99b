"""What a user may hand in, as what the package works with: modules, names, arrays, loaders."""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.ends import INPUT, Batch, Named, gathered_inputs, joined
from spikewright.ann.source import Source
from spikewright.app.registry import configure, find
from spikewright.app.runs.faults import fault_of
from spikewright.conversion.methods import Method
from spikewright.engines.network import SpikingNetwork
from spikewright.errors import BadData, BadModel, BadSetting
from spikewright.measure.samples import Prepared
from spikewright.reliability.campaign.settings import no_fault
from spikewright.reliability.faults import Fault
from spikewright.snn.blueprint import Blueprint

Array = Tensor | np.ndarray
Inputs = Array | Named | Iterable[Any]
"""Inputs [N, *] as a tensor or an array, or a loader of input batches or of (inputs, …) tuples.

Of a network with several inputs, inputs are a tuple or a dict of tensors.
"""
Labelled = Prepared | tuple[Array, Array] | Iterable[Any]
"""Inputs [N, *] and labels [N], or a loader of (inputs, labels) batches."""


def inputs_of(
    loader: Inputs, *, names: Sequence[str] = (INPUT,), limit: int | None = None, batch_size: int = 128
) -> Iterator[Batch]:
    """Yield input batches [N, *input_shape], `limit` inputs at most.

    Args:
        loader: inputs, or batches of them. Of a network with several inputs a batch is a tuple or a dict of tensors, or
            (such a tuple or dict, …).
        names: of the network's inputs, in the order of positions.
        limit: None takes all.
        batch_size: of inputs that come as a whole.

    Raises:
        BadData: the loader yields something else.
    """
    left = float("inf") if limit is None else limit
    for batch in _batches(loader, names, batch_size):
        if left <= 0:
            return
        part = batch if len(batch) <= left else batch[: int(left)]
        left -= len(part)
        yield part


def _batches(loader: Inputs, names: Sequence[str], size: int) -> Iterator[Batch]:
    if isinstance(loader, Tensor | np.ndarray):
        yield from torch.as_tensor(loader).split(size)
    elif isinstance(loader, Named):
        yield from loader.split(size)
    elif isinstance(loader, Mapping):
        yield from _of_mapping(loader, names).split(size)
    elif len(names) > 1 and _is_one_batch(loader, names):
        yield from gathered_inputs(names, loader, "inputs").split(size)
    else:
        for item in loader:
            yield _batch_of(item, names)


def _is_one_batch(loader: Any, names: Sequence[str]) -> bool:
    """Whether it is all inputs of a network by position, and no list of batches."""
    return isinstance(loader, tuple) and len(loader) == len(names) and all(_is_array(each) for each in loader)


def _batch_of(item: Any, names: Sequence[str]) -> Batch:
    """One batch that a loader yields: inputs, or a tuple that begins with them."""
    if len(names) > 1:
        positions = isinstance(item, tuple | list) and len(item) == len(names) and all(map(_is_array, item))
        given = item[0] if isinstance(item, tuple | list) and not positions and item else item
        return _of_mapping(given, names) if isinstance(given, Mapping) else gathered_inputs(names, given, "a batch")
    batch = item[0] if isinstance(item, tuple | list) else item
    if isinstance(batch, Mapping | Named):
        return batch if isinstance(batch, Named) else _of_mapping(batch, names)
    if not _is_array(batch):
        raise BadData(f"a loader must yield tensors or (inputs, …) tuples, got {type(batch).__name__}")
    return torch.as_tensor(batch)


def _of_mapping(given: Mapping[str, Any], names: Sequence[str]) -> Batch:
    """Inputs by name: those of a network that is known, or all that are given for one to be captured."""
    if len(given) == 1 or names == (INPUT,):
        found = {str(name): torch.as_tensor(each) for name, each in given.items()}
        return next(iter(found.values())) if len(found) == 1 else Named(found)
    return gathered_inputs(names if set(names) == set(given) else tuple(given), given, "a batch")


def _is_array(value: Any) -> bool:
    return isinstance(value, Tensor | np.ndarray)


def labelled_of(samples: Labelled) -> Prepared:
    """Inputs and labels in memory.

    Raises:
        BadData: no samples, or something else than pairs.
    """
    if isinstance(samples, Prepared):
        return samples
    if isinstance(samples, tuple) and len(samples) == 2 and np.ndim(samples[1]) == 1:
        pairs = [samples]
    else:
        pairs = [(item[0], item[1]) for item in samples if isinstance(item, tuple | list) and len(item) > 1]
    if not pairs:
        raise BadData("this needs labelled samples, got none: give (inputs, labels), or a loader that is not empty")
    inputs = joined([_whole(pair[0]) for pair in pairs])
    return Prepared(inputs, torch.cat([torch.as_tensor(pair[1]) for pair in pairs]))


def _whole(given: Any) -> Batch:
    """Inputs of samples as they are: one tensor, or several by name or position."""
    if isinstance(given, Named):
        return given
    if isinstance(given, Mapping):
        return Named({str(name): torch.as_tensor(each) for name, each in given.items()})
    if isinstance(given, tuple | list):
        return Named({str(place): torch.as_tensor(each) for place, each in enumerate(given)})
    return torch.as_tensor(given)


def with_names(samples: Prepared, names: Sequence[str]) -> Prepared:
    """The samples, whose inputs that came by position have the network's names.

    Raises:
        BadData: others than the network takes.
    """
    inputs = samples.inputs
    if isinstance(inputs, Named) and list(inputs.tensors) == [str(place) for place in range(len(inputs.tensors))]:
        return Prepared(gathered_inputs(names, tuple(inputs.tensors.values()), "samples"), samples.labels)
    return Prepared(gathered_inputs(names, inputs, "samples"), samples.labels)


def source_of(network: Source | nn.Module, loader: Inputs | None) -> Source:
    """A captured network as it is; a module is captured, with the first inputs for an example.

    Raises:
        BadModel: a module without inputs to capture it with, or a spiking network where its source is meant.
        UnsupportedModule: as `capture`.
    """
    return with_source(network, loader)[0]


def with_source(network: Source | nn.Module, loader: Any) -> tuple[Source, Any]:
    """As `source_of`, and the loader, from which nothing is missing though its first inputs were looked at."""
    if isinstance(network, Source):
        return network, loader
    if isinstance(network, SpikingNetwork) or not isinstance(network, nn.Module):
        raise BadModel(f"a module or a captured source is meant here, got {type(network).__name__}")
    if isinstance(loader, Iterator):
        first = list(islice(loader, 1))
        loader, whole = chain(first, loader), first
    else:
        whole = loader
    example = None if whole is None else next(inputs_of(whole, names=_required(network), limit=2), None)
    if example is None:
        raise BadModel("a module is captured with an example: give inputs, or capture(model, example) first")
    if isinstance(example, Tensor) and not example.is_floating_point() and not _looks_up(network):
        example = example.float()
    return capture(network, example), loader


def _required(network: nn.Module) -> tuple[str, ...]:
    """The names of the tensors that a module cannot do without, by the look of its forward."""
    try:
        parameters = inspect.signature(network.forward).parameters.values()
    except (ValueError, TypeError):
        return (INPUT,)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = tuple(each.name for each in parameters if each.kind in kinds and each.default is each.empty)
    return names if len(names) > 1 else (INPUT,)


def _looks_up(network: nn.Module) -> bool:
    return any(isinstance(part, nn.Embedding) for part in network.modules())


def names_of(network: Source | Blueprint) -> tuple[str, ...]:
    """The names of a network's inputs."""
    inputs = network.inputs if isinstance(network, Source) else network.plan.inputs
    return tuple(each.name for each in inputs)


def blueprint_of(network: SpikingNetwork | Blueprint) -> Blueprint:
    """The blueprint of a network, or a blueprint as it is."""
    if isinstance(network, Blueprint):
        return network
    if not isinstance(network, SpikingNetwork):
        raise BadModel(f"a spiking network is meant here, got {type(network).__name__}: convert it first")
    return network.blueprint


def method_of(method: str | Method, settings: Mapping[str, Any]) -> Method:
    """A method by name and settings, or a method as it is.

    Raises:
        BadSetting: no method of that name, settings it does not have, or settings beside a method that has its own.
    """
    if isinstance(method, str):
        return configure(find("methods", method), dict(settings))
    if settings:
        raise BadSetting(f"{', '.join(settings)}: the method given has settings of its own: say it there")
    return method


def named_fault(fault: str | Fault, rate: float | None, settings: Mapping[str, Any]) -> Fault:
    """A fault by name, rate and settings, or a fault as it is.

    Raises:
        BadSetting: as `fault_of`; or a rate or settings beside a fault that has its own.
    """
    if isinstance(fault, str):
        return fault_of(fault, settings, rate)
    if not hasattr(fault, "patch"):
        raise BadSetting(no_fault(fault))
    if rate is not None or settings:
        raise BadSetting("the fault given has a rate and settings of its own: say them there")
    return fault


def known_fields(given: Mapping[str, Any], settings: type[Any]) -> dict[str, Any]:
    """Keywords that are fields of a settings class.

    Raises:
        BadSetting: one is not; those that are, are listed.
    """
    known = settings.__dataclass_fields__
    for name in given:
        if name not in known:
            raise BadSetting(f"there is no setting {name!r}: known are {', '.join(known)}")
    return dict(given)
