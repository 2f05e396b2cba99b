"""Which neurons of which stages are struck: each with a probability and alone, or a fixed number of them.

Neurons are numbered over all stages in the order of the network, within a stage as its features lie. Knows nothing
about what is done to them.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults._words import require_rate
from spikewright.reliability.sites import Neurons, Sites


def require_rate_or_count(kind: str, rate: float | None, count: int | None) -> None:
    """Refuse settings that do not say how many neurons are struck, or say it twice.

    Raises:
        BadSetting: none or both of them, a probability outside [0, 1], or a count below 1.
    """
    if (rate is None) == (count is None):
        raise BadSetting(f"{kind}: give one of rate (a probability) or count (a number of neurons)")
    require_rate(f"{kind}: rate", rate)
    if count is not None and count < 1:
        raise BadSetting(f"{kind}: count is {count}: strike 1 neuron or more")


def open_places(stage: Neurons) -> NDArray[np.int64]:
    """The flat places, ascending, of a stage's neurons that may be struck."""
    places = np.arange(math.prod(stage.shape), dtype=np.int64)
    if stage.channels is None:
        return places
    open_ = places.reshape(stage.shape or (1,)).take(np.array(stage.channels, dtype=np.int64), axis=stage.axis)
    return np.sort(open_, axis=None)


def faulty_neurons(
    kind: str, sites: Sites, draw: Draw, *, rate: float | None = None, count: int | None = None
) -> Mapping[str, NDArray[np.int64]]:
    """Flat places, ascending, of the struck neurons by stage; stages without one are left out.

    Args:
        kind: of the fault, for messages.
        sites: whose stages may be struck.
        draw: of the map.
        rate: probability of each neuron.
        count: so many of them; one of the two is given.

    Raises:
        BadSetting: a count of more neurons than there are.
    """
    places = {stage.name: open_places(stage) for stage in sites.stages}
    total = sum(len(each) for each in places.values())
    if count is None:
        assert rate is not None
        hit = draw.hits(total, rate)
    elif count > total:
        raise BadSetting(f"{kind}: count is {count}, but there are {total} neurons here")
    else:
        hit = draw.distinct(total, count)
    return {
        name: each[mine] for (name, each), mine in zip(places.items(), parts(hit, places), strict=True) if len(mine)
    }


def parts(hit: NDArray[np.int64], sizes: Mapping[str, NDArray[np.int64]], per: int = 1) -> list[NDArray[np.int64]]:
    """Ascending numbers over several lists laid end to end, `per` numbers an entry → those of each, from 0 again."""
    edges = np.cumsum([0, *(per * len(each) for each in sizes.values())])
    cuts = np.searchsorted(hit, edges)
    return [hit[cuts[k] : cuts[k + 1]] - edges[k] for k in range(len(sizes))]
