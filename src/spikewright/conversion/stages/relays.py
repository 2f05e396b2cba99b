"""From what a max pool of spikes is fired: from the stage's own potential, or from its spikes, once more.

max a(z) = a(max z) where an activation rises everywhere. Where it falls first, the stage fires as it is, and a second
one takes the largest of its codes and fires it again. Knows nothing about pools.
"""

from spikewright.ann.ops import Activating
from spikewright.conversion.stages.draft import Draft
from spikewright.conversion.stages.staged import Fires


def firing_behind(draft: Draft, read: str, found: dict[str, tuple[str, Fires]]) -> tuple[str, Fires]:
    """The node whose potential a pool of the value `read` is taken of, and how what fires there fires."""
    root, fires = found[read]
    activation = draft.op[fires.activation]
    assert isinstance(activation, Activating)
    if activation.rises or fires.relays:
        return root, fires
    return read, Fires(fires.activation, fires.carries, channels=fires.channels, relays=True)
