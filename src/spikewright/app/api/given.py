"""What a user may hand in, as what the package works with: modules, names, arrays, loaders."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from spikewright.ann.capture.capture import capture
from spikewright.ann.capture.given import Model
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
Inputs = Array | Iterable[Any]
"""Inputs [N, *] as a tensor or an array, or a loader of input batches or of (inputs, …) tuples."""
Labelled = Prepared | tuple[Array, Array] | Iterable[Any]
"""Inputs [N, *] and labels [N], or a loader of (inputs, labels) batches."""


def inputs_of(loader: Inputs, *, limit: int | None = None, batch_size: int = 128) -> Iterator[Tensor]:
    """Yield input batches [N, *input_shape], `limit` inputs at most.

    Raises:
        BadData: the loader yields something else than tensors, arrays, or tuples that start with one.
    """
    left = float("inf") if limit is None else limit
    for item in torch.as_tensor(loader).split(batch_size) if isinstance(loader, Tensor | np.ndarray) else loader:
        batch = item[0] if isinstance(item, tuple | list) else item
        if not isinstance(batch, Tensor | np.ndarray):
            raise BadData(f"a loader must yield tensors or (inputs, …) tuples, got {type(batch).__name__}")
        if left <= 0:
            return
        batch = torch.as_tensor(batch)
        batch = batch if len(batch) <= left else batch[: int(left)]
        left -= len(batch)
        yield batch


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
    inputs, labels = (torch.cat([torch.as_tensor(pair[index]) for pair in pairs]) for index in (0, 1))
    return Prepared(inputs, labels)


def source_of(network: Source | Model, loader: Inputs | None) -> Source:
    """A captured network as it is; a module or exported program is captured, with the first inputs for an example.

    Raises:
        BadModel: a module without inputs to capture it with, or a spiking network where its source is meant.
        UnsupportedModule: as `capture`.
    """
    if isinstance(network, Source):
        return network
    if isinstance(network, SpikingNetwork) or not isinstance(network, Model):
        raise BadModel(f"a module or a captured source is meant here, got {type(network).__name__}")
    example = None if loader is None else next(inputs_of(loader, limit=2), None)
    if example is None:
        raise BadModel("a module is captured with an example: give inputs, or capture(model, example) first")
    return capture(network, example.float() if not example.is_floating_point() else example)


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
