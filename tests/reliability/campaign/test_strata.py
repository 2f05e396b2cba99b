"""Parts of a network: names, and that they cut the bits and neurons up without overlap."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.faults.sites import bits_of, neurons_of
from spikewright.errors import BadSetting
from spikewright.reliability.campaign.strata import Owners, Scope, strata
from spikewright.reliability.sites import Memory, Neurons, Sites

SITES = Sites(
    memories=(
        Memory(name="conv", integers=np.arange(12), bits=4, positions=(0, 1, 2, 3)),
        Memory(name="one", integers=np.array([1, -1, -1, 1, 1, -1]), bits=1, positions=(0,)),
        Memory(name="fc", integers=np.arange(-3, 3), bits=4, positions=(0, 1, 2, 3)),
    ),
    stages=(
        Neurons(name="conv", shape=(3, 2, 2), timesteps=4),
        Neurons(name="hidden", shape=(2,), timesteps=4),
        Neurons(name="lone", shape=(), timesteps=4),
    ),
    input_shape=(1, 4, 4),
    input_range=((0.0,), (1.0,)),
)
# `one` has its output channels in its columns, as a transposed convolution does
OWNERS: Owners = {
    "conv": (3, np.repeat(np.arange(3), 4)),
    "one": (3, np.tile(np.arange(3), 2)),
    "fc": (2, np.repeat(np.arange(2), 3)),
}


def parts(
    scope: Scope, targets: str = "weights", *, layer: str | None = None, bit: int | None = None
) -> dict[str, int]:
    """Bits or neurons, by stratum in order."""
    found = strata(SITES, targets, scope=scope, channels=OWNERS, layer=layer, bit=bit)
    count = bits_of if targets == "weights" else neurons_of
    return {part.name: len(count(part.sites)) for part in found}


def test_names_and_how_many_bits_each_has() -> None:
    assert parts("model") == {"model": 48 + 6 + 24}
    assert parts("layer") == {"layer:conv": 48, "layer:one": 6, "layer:fc": 24}
    assert parts("bit") == {"bit:0": 12 + 6 + 6, "bit:1": 18, "bit:2": 18, "bit:3": 18}
    assert parts("cell") == {
        **{f"layer:conv/bit:{bit}": 12 for bit in range(4)},
        "layer:one/bit:0": 6,
        **{f"layer:fc/bit:{bit}": 6 for bit in range(4)},
    }
    assert parts("channel") == {
        **{f"channel:conv/{c}": 16 for c in range(3)},
        **{f"channel:one/{c}": 2 for c in range(3)},
        **{f"channel:fc/{c}": 12 for c in range(2)},
    }


def test_a_layer_or_a_bit_narrows_every_scope() -> None:
    assert parts("model", layer="fc") == {"layer:fc": 24} == parts("layer", layer="fc")
    assert parts("bit", layer="fc") == {f"layer:fc/bit:{bit}": 6 for bit in range(4)} == parts("cell", layer="fc")
    assert parts("channel", layer="fc") == {"channel:fc/0": 12, "channel:fc/1": 12}
    assert parts("model", bit=0) == {"bit:0": 24} == parts("bit", bit=0)
    assert parts("layer", bit=0) == {"layer:conv/bit:0": 12, "layer:one/bit:0": 6, "layer:fc/bit:0": 6}
    assert parts("cell", bit=0) == parts("layer", bit=0)
    assert parts("model", layer="conv", bit=2) == {"layer:conv/bit:2": 12} == parts("bit", layer="conv", bit=2)
    assert parts("channel", layer="conv", bit=2) == {f"channel:conv/{c}/bit:2": 4 for c in range(3)}


def test_a_layer_without_such_a_bit_is_no_part() -> None:
    assert parts("layer", bit=3) == {"layer:conv/bit:3": 12, "layer:fc/bit:3": 6} == parts("cell", bit=3)
    assert parts("model", bit=3) == {"bit:3": 18}
    assert parts("channel", bit=3) == {
        **{f"channel:conv/{c}/bit:3": 4 for c in range(3)}, "channel:fc/0/bit:3": 3, "channel:fc/1/bit:3": 3,
    }  # fmt: skip


def test_the_same_name_means_the_same_bits() -> None:
    """Maps are drawn by the name, and kept by it."""
    seen: dict[str, list[tuple[str, int, int]]] = {}
    for scope in ("model", "layer", "bit", "cell", "channel"):
        for layer in (None, "conv", "one", "fc"):
            for bit in (None, 0, 3):
                if (layer, bit) == ("one", 3):
                    continue
                for part in strata(SITES, "weights", scope=scope, channels=OWNERS, layer=layer, bit=bit):
                    bits = bits_of(part.sites)
                    assert bits and seen.setdefault(part.name, bits) == bits


@given(
    scope=st.sampled_from(["model", "layer", "bit", "cell", "channel"]), bits=st.lists(st.integers(1, 6), min_size=1),
    seed=st.integers(0, 999),
)  # fmt: skip
def test_parts_add_up_to_the_network(scope: Scope, bits: list[int], seed: int) -> None:
    draw, memories, owners = np.random.default_rng(seed), [], {}
    for index, width in enumerate(bits[:4]):
        channels, each = int(draw.integers(1, 4)), int(draw.integers(1, 4))
        owner = draw.permutation(np.repeat(np.arange(channels), each))
        memories.append(
            Memory(name=f"{index}", integers=np.ones(len(owner), int), bits=width, positions=tuple(range(width)))
        )
        owners[f"{index}"] = (channels, owner)
    sites = Sites(memories=tuple(memories))
    found = strata(sites, "weights", scope=scope, channels=owners)
    every = list(chain.from_iterable(bits_of(part.sites) for part in found))
    assert sorted(every) == sorted(bits_of(sites))
    assert len({part.name for part in found}) == len(found)
    assert [part.sites.bits for part in found] == [len(bits_of(part.sites)) for part in found]
    for part in found:
        if scope == "channel":
            name, channel = part.name.removeprefix("channel:").split("/")
            assert {(place[0], owners[name][1][place[1]]) for place in bits_of(part.sites)} == {(name, int(channel))}


def test_neurons() -> None:
    assert parts("model", "stages") == {"model": 12 + 2 + 1}
    assert parts("layer", "stages") == {"layer:conv": 12, "layer:hidden": 2, "layer:lone": 1}
    assert parts("channel", "stages") == {
        **{f"channel:conv/{c}": 4 for c in range(3)}, "channel:hidden/0": 1, "channel:hidden/1": 1, "channel:lone/0": 1,
    }  # fmt: skip
    assert parts("channel", "stages", layer="hidden") == {"channel:hidden/0": 1, "channel:hidden/1": 1}
    every = [neurons_of(part.sites) for part in strata(SITES, "stages", scope="channel", channels={})[:-1]]
    assert sorted(chain.from_iterable(every)) == sorted(neurons_of(Sites(stages=SITES.stages[:2])))


def test_a_part_holds_what_its_fault_strikes_and_nothing_else() -> None:
    (pixels,) = strata(SITES, "pixels", scope="model", channels={})
    assert pixels == ("model", Sites(input_shape=(1, 4, 4), input_range=((0.0,), (1.0,))))
    (weights,) = strata(SITES, "weights", scope="model", channels=OWNERS)
    assert weights.sites.memories == SITES.memories and not weights.sites.stages and weights.sites.input_shape is None
    (stages,) = strata(SITES, "stages", scope="model", channels=OWNERS)
    assert stages.sites.stages == SITES.stages and not stages.sites.memories


@pytest.mark.parametrize(
    ("targets", "more", "says"),
    [
        ("weights", {"layer": "nope"}, "no layer with weights named 'nope': choose among conv, one, fc"),
        ("stages", {"layer": "fc"}, "no layer with neurons named 'fc': choose among conv, hidden, lone"),
        ("weights", {"bit": 4}, "there is no bit 4 here: choose one of 0 to 3, 0 being the least"),
        ("weights", {"bit": -1}, "there is no bit -1 here: choose one of 0 to 3"),
        ("weights", {"layer": "one", "bit": 1}, "there is no bit 1 here: choose one of 0 to 0"),
        ("stages", {"bit": 0}, "neurons, which have no bits: choose scope model, layer or channel"),
        ("stages", {"scope": "bit"}, "neurons, which have no bits"),
        ("stages", {"scope": "cell"}, "neurons, which have no bits"),
        ("pixels", {"scope": "layer"}, "strikes the input: its scope is model, without a layer or a bit"),
        ("pixels", {"layer": "conv"}, "strikes the input"),
        ("pixels", {"bit": 0}, "strikes the input"),
    ],
)
def test_what_does_not_go_together_is_refused(targets: str, more: dict, says: str) -> None:
    with pytest.raises(BadSetting, match=says) as caught:
        strata(SITES, targets, **{"scope": "model", "channels": OWNERS, **more})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("scope", ["model", "layer", "channel"])
def test_a_network_without_such_parts_is_refused(scope: Scope) -> None:
    with pytest.raises(BadSetting, match="the network has no neurons to strike: choose another fault"):
        strata(Sites(memories=SITES.memories), "stages", scope=scope, channels=OWNERS)
    with pytest.raises(BadSetting, match="the network has no weights to strike"):
        strata(Sites(stages=SITES.stages), "weights", scope=scope, channels={})
