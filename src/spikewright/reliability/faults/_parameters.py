"""A parameter of each struck neuron, disturbed: by a factor, or by flipped bits of the word that holds it.

    spread    parameter · (1 + spread · z)     z ~ N(0, 1), or even over [−1, 1]
    ber       bits of the parameter's word flip, each with this probability and alone
Whether a parameter is one number for a whole layer or not, every neuron is taken to hold its own copy.

Source: SpikeFI (Spyrou, Hamdioui & Stratigopoulos 2024), "parametric" faults: a factor on a neuron's parameter;
SpikingJET (Gogebakan et al. 2024): faulty bits of threshold and decay. Differs: factors are drawn around 1 and a neuron
each, as for process variation.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults._neurons import faulty_neurons, parts
from spikewright.reliability.faults._words import masked_words, require_rate
from spikewright.reliability.sites import Sites

Distribution = Literal["gaussian", "uniform"]


class Settings(Protocol):
    """How a parameter is disturbed: by one of `spread` and `ber`."""

    @property
    def kind(self) -> str: ...
    @property
    def spread(self) -> float | None: ...
    @property
    def distribution(self) -> Distribution: ...
    @property
    def rate(self) -> float: ...
    @property
    def ber(self) -> float | None: ...
    @property
    def bits(self) -> int: ...


class Disturbed(NamedTuple):
    """The disturbed neurons of a stage: by a factor each, or by a mask each of the bits that flipped."""

    places: NDArray[np.int64]  # flat, ascending
    factors: NDArray[np.float64] | None
    masks: NDArray[np.int64] | None


def require_spread_or_ber(kind: str, spread: float | None, ber: float | None, rate: float) -> None:
    """Refuse settings that do not say how something is disturbed, or say it twice.

    Raises:
        BadSetting: none or both of spread and ber, a spread that is negative or not finite, or a probability outside
            [0, 1].
    """
    if (spread is None) == (ber is None):
        raise BadSetting(f"{kind}: give one of spread (how far off, as a share) or ber (a probability of each bit)")
    if spread is not None and not 0 <= spread < float("inf"):
        raise BadSetting(f"{kind}: spread is {spread}: it must be 0 or more, and finite")
    require_rate(f"{kind}: ber", ber)
    require_rate(f"{kind}: rate", rate)


def require_bits(kind: str, bits: int) -> None:
    """Refuse a width that no word has here.

    Raises:
        BadSetting: outside 2..32.
    """
    if not 2 <= bits <= 32:
        raise BadSetting(f"{kind}: bits is {bits}: a word has 2 to 32 of them")


def disturbances(settings: Settings, sites: Sites, draw: Draw) -> tuple[Mapping[str, Disturbed], int]:
    """What happens to the neurons of each stage, and to how many neurons (bits, where bits flip) in all."""
    faulty = faulty_neurons(settings.kind, sites, draw, rate=settings.rate)
    if settings.spread is not None:
        found = {
            name: Disturbed(places, 1 + settings.spread * _centred(draw, len(places), settings.distribution), None)
            for name, places in faulty.items()
        }
        return found, sum(len(places) for places in faulty.values())
    assert settings.ber is not None
    hit = draw.hits(sum(len(places) for places in faulty.values()) * settings.bits, settings.ber)
    flipped: dict[str, Disturbed] = {}
    for (name, places), mine in zip(faulty.items(), parts(hit, faulty, settings.bits), strict=True):
        if len(mine):
            words, masks = masked_words(*np.divmod(mine, settings.bits))
            flipped[name] = Disturbed(places[words], None, masks)
    return flipped, len(hit)


def _centred(draw: Draw, count: int, distribution: Distribution) -> NDArray[np.float64]:
    return draw.normals(count) if distribution == "gaussian" else 2 * draw.uniforms(count) - 1
