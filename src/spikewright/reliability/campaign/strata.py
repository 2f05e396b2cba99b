"""The parts of a network that a campaign strikes one after the other: all of it, layers, bits, channels.

    model  "model"           layer  "layer:fc1"           bit  "bit:7"
    cell   "layer:fc1/bit:7" for every layer and bit      channel  "channel:fc1/3"
A layer or a bit that is chosen narrows every one of them. A stratum's name is part of what its fault maps are drawn
by, so maps of one stratum tell nothing about those of another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from spikewright.errors import BadSetting, nearest
from spikewright.reliability.sites import Memory, Neurons, Sites

Scope = Literal["model", "layer", "bit", "cell", "channel"]
# By memory: how many output channels it has, and which of them each weight belongs to
Owners = Mapping[str, tuple[int, NDArray[np.int64]]]
SCOPES: tuple[str, ...] = get_args(Scope)


class Stratum(NamedTuple):
    """A part of the network by its name."""

    name: str
    sites: Sites


def strata(
    sites: Sites,
    targets: str,
    *,
    scope: Scope,
    channels: Owners,
    layer: str | None = None,
    bit: int | None = None,
) -> list[Stratum]:
    """The strata of a campaign, in the order of the network.

    Args:
        sites: all there is to strike.
        targets: what the fault strikes: weights, stages or pixels.
        scope: how finely.
        channels: by memory, how many output channels it has, and which of them each weight belongs to.
        layer: only this one.
        bit: only this one, 0 the least.

    Raises:
        BadSetting: a layer or bit that is not there, or a scope that does not go with the fault.
    """
    _require_scope(targets, scope, layer=layer, bit=bit)
    if targets == "pixels":
        return [Stratum("model", Sites(input_shape=sites.input_shape, input_range=sites.input_range))]
    places = _places(sites, targets, layer)
    if bit is not None:
        bits = _bits(places)
        if bit not in bits:
            raise BadSetting(f"there is no bit {bit} here: choose one of 0 to {bits[-1]}, 0 being the least")
        narrowed = (_of_bits(each, (bit,)) for each in places)
        places = [each for each in narrowed if each.positions]  # layers of fewer bits have none there
    return _parts(places, scope, channels, layer=layer, bit=bit)


def _require_scope(targets: str, scope: Scope, *, layer: str | None, bit: int | None) -> None:
    narrow = layer is not None or bit is not None
    if targets == "pixels" and (scope != "model" or narrow):
        raise BadSetting("the fault strikes the input: its scope is model, without a layer or a bit")
    if targets == "stages" and (scope in ("bit", "cell") or bit is not None):
        raise BadSetting("the fault strikes neurons, which have no bits: choose scope model, layer or channel")


def _bits(places: Sequence[Memory | Neurons]) -> list[int]:
    """Those that at least one of them has, the least first."""
    return sorted({position for each in places if isinstance(each, Memory) for position in each.positions})


def _parts(
    places: Sequence[Memory | Neurons], scope: Scope, channels: Owners, *, layer: str | None, bit: int | None
) -> list[Stratum]:
    """What is left of the network, cut by the scope; `layer` and `bit`, if it was narrowed to these, name the parts."""
    prefix = "" if layer is None else f"layer:{layer}"
    match scope:
        case "model":
            name = "/".join(part for part in (prefix, "" if bit is None else f"bit:{bit}") if part)
            return [Stratum(name or "model", _sites(places))]
        case "layer":
            tail = "" if bit is None else f"/bit:{bit}"
            return [Stratum(f"layer:{each.name}{tail}", _sites([each])) for each in places]
        case "bit":
            start = f"{prefix}/" if prefix else ""
            return [
                Stratum(f"{start}bit:{b}", _sites([_of_bits(each, (b,)) for each in places])) for b in _bits(places)
            ]
        case "cell":
            return [
                Stratum(f"layer:{each.name}/bit:{b}", _sites([_of_bits(each, (b,))]))
                for each in places
                for b in each.positions  # pyright: ignore[reportAttributeAccessIssue]
            ]
        case "channel":
            return [part for each in places for part in _channels(each, channels, "" if bit is None else f"/bit:{bit}")]


def _places(sites: Sites, targets: str, layer: str | None) -> Sequence[Memory | Neurons]:
    places: Sequence[Memory | Neurons] = sites.memories if targets == "weights" else sites.stages
    what = "weights" if targets == "weights" else "neurons"
    if not places:
        raise BadSetting(f"the network has no {what} to strike: choose another fault")
    if layer is None:
        return places
    names = [each.name for each in places]
    if layer not in names:
        raise BadSetting(f"there is no layer with {what} named {layer!r}: {nearest(layer, names)}")
    return [each for each in places if each.name == layer]


def _sites(places: Sequence[Memory | Neurons]) -> Sites:
    return Sites(
        memories=tuple(each for each in places if isinstance(each, Memory)),
        stages=tuple(each for each in places if isinstance(each, Neurons)),
    )


def _of_bits(memory: Memory | Neurons, bits: tuple[int, ...]) -> Memory:
    assert isinstance(memory, Memory)
    return replace(memory, positions=tuple(bit for bit in memory.positions if bit in bits))


def _channels(each: Memory | Neurons, channels: Owners, tail: str) -> list[Stratum]:
    if isinstance(each, Neurons):
        return [
            Stratum(f"channel:{each.name}/{c}", _sites([replace(each, channels=(c,))]))
            for c in range(each.shape[each.axis] if each.shape else 1)
        ]
    count, owner = channels[each.name]
    return [
        Stratum(f"channel:{each.name}/{c}{tail}", _sites([replace(each, places=np.flatnonzero(owner == c))]))
        for c in range(count)
    ]
