"""What moves values stays as it is."""

from spikewright.ann.ops.moves import Concat, Gather, Identity, Permute, Reshape, Slice, ZeroPad
from spikewright.conversion.stages.parts import Take, as_it_is

RULES: dict[type, Take] = dict.fromkeys((Identity, Concat, Gather, Reshape, Permute, Slice, ZeroPad), as_it_is)
