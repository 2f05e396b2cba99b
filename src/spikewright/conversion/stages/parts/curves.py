"""An activation that is no ReLU marks what fires, as every activation does."""

from spikewright.ann.ops.curves import Curve
from spikewright.conversion.stages.parts import Take, as_it_is

RULES: dict[type, Take] = {Curve: as_it_is}
