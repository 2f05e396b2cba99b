"""From a source network to stages: batch norm folded where legal, constants gathered, max pools put before firing.

A source computes value = activation(affine(...)); a stage accumulates the linear part of the affine map,
adds one constant, and fires. Constants (biases, batch-norm shifts, offsets of clipped activations) pass
through the affine maps between them exactly, as maps over the output where padding makes them uneven. So
nothing is ever folded through padding, and a batch norm before a padded convolution is right at the border.

Max pooling commutes with a monotone activation, max(act(z)) = act(max(z)), so it is done on the accumulated
potential; nothing is folded across it, and a map behind the activation goes behind the pool (`commuted_pools.py`).
What is not linear, and a max pool without such an activation, reads whole values and is no stage. Knows nothing about
codes, thresholds or timesteps.
"""

from collections.abc import Mapping

from torch import Tensor

from spikewright.ann.source import Source
from spikewright.conversion.stages.batch_norm import fold_scales
from spikewright.conversion.stages.constants import gather_constants
from spikewright.conversion.stages.draft import load
from spikewright.conversion.stages.emit import emit
from spikewright.conversion.stages.max_pools import firings
from spikewright.conversion.stages.staged import StagedNode
from spikewright.snn.formats.stored import Stored


def stage(
    source: Source, stored: Mapping[str, Stored] | None = None, resting: Mapping[str, Tensor] | None = None
) -> tuple[StagedNode, ...]:
    """Arrange a source network as graded nodes and firing stages, the read-out last.

    `stored` gives nodes of the source weights of integers in place of their own: they are kept as they are, and
    what would be folded into them stands beside them as a gain. `resting` is what the code 0 of an activation stands
    for, by its name, where that is not 0: a constant for whoever reads it.
    """
    draft = load(source, stored or {})
    fires = firings(draft)
    draft.constant.update(
        {name: resting[how.activation] for name, (_, how) in fires.items() if resting and how.activation in resting}
    )
    gather_constants(draft, fires)
    fold_scales(draft, fires)
    return emit(draft, fires)
