"""Seeding lends the generator and gives it back, also after an error."""

import pytest
import torch

from spikewright.models.initialise import seeded


def test_the_block_is_seeded_and_the_generator_given_back() -> None:
    before = torch.get_rng_state()
    with seeded(3):
        first = torch.rand(4)
    with seeded(3):
        assert torch.equal(torch.rand(4), first)
    with pytest.raises(RuntimeError), seeded(3):
        raise RuntimeError
    assert torch.equal(torch.get_rng_state(), before)
