"""Bits and neurons by their numbers."""

import numpy as np
from hypothesis import given

from reliability.faults.sites import bits_of, memories, networks
from spikewright.reliability.sites import Memory, Sites


@given(memories())
def test_bits_are_numbered_weight_by_weight(memory: Memory) -> None:
    expected = bits_of(Sites(memories=(memory,)))
    assert memory.count == len(expected)
    places, positions = memory.bit(np.arange(memory.count))
    found = [("fc", int(place), int(position)) for place, position in zip(places, positions, strict=True)]
    assert found == expected


@given(networks())
def test_bits_of_a_network_are_those_of_its_weights(sites: Sites) -> None:
    assert sites.bits == len(bits_of(sites))
