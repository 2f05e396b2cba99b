"""Sites of small networks, made by hand or drawn."""

import numpy as np
from hypothesis import strategies as st

from spikewright.reliability.sites import Memory, Neurons, Sites


@st.composite
def memories(draw: st.DrawFn, name: str = "fc") -> Memory:
    bits = draw(st.sampled_from([1, 2, 4, 8, 16]))
    count = draw(st.integers(1, 12))
    low, high = (0, 1) if bits == 1 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    values = np.array(draw(st.lists(st.integers(low, high), min_size=count, max_size=count)), dtype=np.int64)
    positions = sorted(draw(st.sets(st.integers(0, bits - 1), min_size=1)))
    places = sorted(draw(st.sets(st.integers(0, count - 1), min_size=1))) if draw(st.booleans()) else None
    return Memory(
        name=name,
        integers=2 * values - 1 if bits == 1 else values,
        bits=bits,
        positions=tuple(positions),
        places=None if places is None else np.array(places, dtype=np.int64),
    )


@st.composite
def networks(draw: st.DrawFn) -> Sites:
    """Up to three stored weights."""
    count = draw(st.integers(0, 3))
    return Sites(memories=tuple(draw(memories(f"fc{index}")) for index in range(count)))


def bits_of(sites: Sites) -> list[tuple[str, int, int]]:
    """Every bit that may be struck, as (memory, weight's place, position), in order."""
    found = []
    for memory in sites.memories:
        places = range(len(memory.integers)) if memory.places is None else memory.places.tolist()
        found += [(memory.name, int(place), position) for place in places for position in memory.positions]
    return found


def neurons_of(sites: Sites) -> list[tuple[str, int]]:
    """Every neuron that may be struck, as (stage, flat place), in order."""
    found = []
    for stage in sites.stages:
        for flat, place in enumerate(np.ndindex(stage.shape)):
            if stage.channels is None or (place[0] if place else 0) in stage.channels:
                found.append((stage.name, flat))
    return found


STAGES = Sites(
    stages=(
        Neurons(name="conv", shape=(3, 2, 4), timesteps=4, channels=(2, 0)),
        Neurons(name="fc", shape=(7,), timesteps=4),
        Neurons(name="last", shape=(2, 3), timesteps=4, channels=()),
    )
)
