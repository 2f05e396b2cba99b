"""Data for classification: always a train, a validation and a test split, as uint8 arrays.

`load` finds and decodes a data set of images, `load_events` one of event camera recordings; `Batches` feeds either,
prepared, to anything that iterates. Knows nothing about networks or spikes. The names below come on first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikewright.data.batches import Batches as Batches
    from spikewright.data.dataset import ImageData as ImageData
    from spikewright.data.dataset import Split as Split
    from spikewright.data.events.dataset import EventData as EventData
    from spikewright.data.events.dataset import EventSplit as EventSplit
    from spikewright.data.events.load import load_events as load_events
    from spikewright.data.events.preparation import EventPreparation as EventPreparation
    from spikewright.data.lookup import is_event_data as is_event_data
    from spikewright.data.lookup import load as load
    from spikewright.data.preparation import InputPreparation as InputPreparation

_HOMES = {
    "Batches": "batches",
    "EventData": "events.dataset",
    "EventPreparation": "events.preparation",
    "EventSplit": "events.dataset",
    "ImageData": "dataset",
    "InputPreparation": "preparation",
    "Split": "dataset",
    "is_event_data": "lookup",
    "load": "lookup",
    "load_events": "events.load",
}

__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"spikewright.data.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'spikewright.data' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
