"""The meaning of each captured aten operation, as source nodes; what has no spiking equivalent is refused.

One small function per operation, in the file of its family, found by the operation's target. A function gets a `Call`
(arguments already resolved to node names, constants or numbers) and emits source nodes.
Knows nothing about modules or export.
"""

from spikewright.ann.capture.aten import activations, arithmetic, moves, pools, products
from spikewright.ann.capture.aten.call import Translate

TRANSLATIONS: dict[str, Translate] = {
    **products.TRANSLATIONS,
    **activations.TRANSLATIONS,
    **pools.TRANSLATIONS,
    **arithmetic.TRANSLATIONS,
    **moves.TRANSLATIONS,
}
"""By the operation's name, such as `conv2d`; of other libraries than torch `namespace::name`."""
