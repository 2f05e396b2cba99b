"""Image data for classification: always a train, a validation and a test split, as uint8 arrays.

`load` finds and decodes a data set; `Batches` feeds it, prepared, to anything that iterates.
Knows nothing about networks or spikes.
"""

from spikewright.data.batches import Batches
from spikewright.data.dataset import ImageData, Split
from spikewright.data.load import load

__all__ = ["Batches", "ImageData", "Split", "load"]
