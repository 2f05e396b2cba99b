"""Fault campaigns on networks, sources and modules, and searches.

found = sw.inject(network, (images, labels), fault="bit_flip", ber=1e-3, maps=100)
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from torch import nn

from spikewright.ann.source import Source
from spikewright.app.api.given import Labelled, labelled_of, named_fault, source_of
from spikewright.engines.network import SpikingNetwork
from spikewright.errors import BadSetting
from spikewright.reliability.campaign import inject as campaign
from spikewright.reliability.campaign.one_output import reading
from spikewright.reliability.campaign.settings import Injection, InjectSettings
from spikewright.reliability.faults import Fault
from spikewright.snn.blueprint import Blueprint


def inject(
    network: SpikingNetwork | Blueprint | Source | nn.Module,
    samples: Labelled,
    settings: InjectSettings | None = None,
    *,
    fault: str | Fault = "bit_flip",
    ber: float | None = None,
    record: str | Path | None = None,
    output: str | None = None,
    **given: Any,
) -> Injection:
    """Inject faults into a network's stored weights, neurons or inputs, and see what they cost.

    Args:
        network: a spiking network, or an ordinary one: a module is captured.
        samples: (inputs, labels), or a loader of such batches.
        settings: a campaign as a whole; else it is made of what follows.
        fault: the kind by its name, with its settings among `given`; or one of `sw.faults`.
        ber: its rate.
        output: by which of several outputs classes are told; None takes the only one that holds scores of classes.
        record: a file that maps are written to as they are done; the same call goes on from it.
        given: fields of `InjectSettings` such as `maps`, `bits`, `scope`, and settings of the fault.

    Raises:
        BadSetting, BadData, BadModel: what cannot be asked for, and why.
    """
    data = labelled_of(samples)
    how = settings or _settings(fault, ber, given)
    if settings is not None and (given or ber is not None):
        raise BadSetting("inject: settings say all of a campaign: leave out the other arguments")
    faulty: Blueprint | Source
    if isinstance(network, SpikingNetwork):
        faulty = network.blueprint
    elif isinstance(network, Blueprint):
        faulty = network
    else:
        faulty = source_of(network, [data.inputs])
    return campaign.inject(reading(faulty, output), data, how, record=None if record is None else Path(record))


def _settings(fault: str | Fault, ber: float | None, given: Mapping[str, Any]) -> InjectSettings:
    campaign_fields = {field.name for field in fields(InjectSettings)}
    of_fault = {name: value for name, value in given.items() if name not in campaign_fields}
    of_campaign = {name: value for name, value in given.items() if name in campaign_fields}
    return InjectSettings(fault=named_fault(fault, ber, of_fault), **of_campaign)
