"""What is said of stored weights is what the network holds, layer by layer."""

import numpy as np
from support import trained

from spikewright.ann.source import Source
from spikewright.reliability.campaign.storage import Stored, in_words, storage_of
from spikewright.reliability.campaign.work import target_of
from spikewright.snn.formats.uniform import Uniform


def test_an_ordinary_network_is_rounded_to_what_is_asked() -> None:
    source: Source = trained.classifier()
    for form, scale in (
        (Uniform(bits=5), "one scale a tensor"),
        (Uniform(bits=5, per_channel=True), "a scale a channel"),
    ):
        target = target_of(source, form)
        found = storage_of(source, target.sites(), form)
        assert [each.weights for each in found] == [64 * 20, 20 * 12, 12 * 10]
        assert all((each.bits, each.rounded) == (5, True) for each in found)
        assert all(int(np.abs(memory.integers).max()) == 15 for memory in target.sites().memories)
        assert in_words(found) == f"5 bits, two's complement, {scale}"


def test_layers_that_differ_are_named() -> None:
    first = Stored("a", 10, 8, False, True)
    assert in_words([]) == ""
    assert in_words([first, first._replace(layer="c"), Stored("b", 10, 1, True, False)]) == (
        "a, c: 8 bits, two's complement, one scale a tensor; b: 1 bit (±1), a scale a channel"
    )
    many = [first._replace(layer=str(index)) for index in range(9)]
    assert in_words([*many, Stored("b", 1, 1, True, False)]).startswith("9 layers from 0 to 8: 8 bits")
