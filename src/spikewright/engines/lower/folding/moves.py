"""What moves values moves what they are worth."""

from spikewright.ann.ops.moves import Concat, Gather, Identity, Permute, Reshape, Slice, ZeroPad
from spikewright.engines.lower.folding import Folding, pass_on

RULES: dict[type, Folding] = dict.fromkeys(
    (Identity, Concat, Gather, Reshape, Permute, Slice, ZeroPad), Folding(pass_on, passes_unit=True)
)
