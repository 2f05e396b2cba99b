"""The meaning of each captured aten operation, as source nodes; what has no spiking equivalent is refused.

One small function per operation, in the file of its family, found by the operation's target. A function gets a `Call`
(arguments already resolved to node names, constants or numbers) and emits source nodes. Each file lists its own in
`TRANSLATIONS`. Knows nothing about modules or export.
"""

import importlib
import pkgutil
from functools import cache

from spikewright.ann.capture import aten
from spikewright.ann.capture.aten.call import Translate


@cache
def translations() -> dict[str, Translate]:
    """By the operation's name, such as `conv2d`; of other libraries than torch `namespace::name`."""
    found: dict[str, Translate] = {}
    for file in pkgutil.iter_modules(aten.__path__):
        own = vars(importlib.import_module(f"{aten.__name__}.{file.name}")).get("TRANSLATIONS", {})
        twice = found.keys() & own.keys()
        if twice:
            raise TypeError(f"two translations of {min(twice)}: the second is in {file.name}")
        found |= own
    return found
