"""What is computed with numbers stays as it is; constants stop in front of it (`constants.py`)."""

from spikewright.ann.ops.graded import GRADED
from spikewright.conversion.stages.parts import Take, as_it_is

RULES: dict[type, Take] = dict.fromkeys(GRADED, as_it_is)
