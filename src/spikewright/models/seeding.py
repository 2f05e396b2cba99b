"""Seeded weights that leave the caller's random numbers alone: torch's layers draw from the global ones."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run the block with torch's CPU generator at `seed`, and put the generator back afterwards."""
    with torch.random.fork_rng(devices=[]):
        # not torch.manual_seed: it would also reseed the accelerators, which are not restored here
        torch.default_generator.manual_seed(seed)
        yield
