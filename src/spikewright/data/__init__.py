"""Data for classification: always a train, a validation and a test split, as uint8 arrays.

`load` finds and decodes a data set of images, `load_events` one of event camera recordings; `Batches` feeds either,
prepared, to anything that iterates. Knows nothing about networks or spikes.
"""

from spikewright.data.batches import Batches
from spikewright.data.dataset import ImageData, Split
from spikewright.data.events.dataset import EventData, EventSplit
from spikewright.data.events.load import load_events
from spikewright.data.load import is_event_data, load

__all__ = ["Batches", "EventData", "EventSplit", "ImageData", "Split", "is_event_data", "load", "load_events"]
