"""What a fault map may strike: stored weights, neurons, pixels; all of a network, or the part that a scope leaves.

Describes places and their order, by which draws are numbered; knows nothing about how networks run.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Memory:
    """The stored integers of one weight.

    Attributes:
        name: of the node that reads them.
        integers: all of them in their stored order, int64, [weights].
        bits: of each, two's complement; 1 stands for ±1.
        places: which of them may be struck, ascending; None: all.
        positions: which bits may be, 0 the least; of 1-bit weights there is bit 0 alone.
    """

    name: str
    integers: NDArray[np.int64]
    bits: int
    positions: tuple[int, ...]
    places: NDArray[np.int64] | None = None

    @property
    def count(self) -> int:
        """How many bits may be struck."""
        weights = len(self.integers) if self.places is None else len(self.places)
        return weights * len(self.positions)

    def bit(self, index: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of the bits numbered 0 … count − 1: their weights' places and their positions; a weight's bits lie together.

        Ascending in gives ascending out.
        """
        weights, which = np.divmod(index, len(self.positions))
        places = weights if self.places is None else self.places[weights]
        return places, np.asarray(self.positions, dtype=np.int64)[which]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neurons:
    """The neurons of one stage, or the activations of one layer.

    Attributes:
        name: of the stage.
        shape: [*features].
        timesteps: how often each may fire; 1 in an ordinary network.
        axis: which axis of `shape` is that of channels.
        channels: which of these may be struck; None: all.
        law: the kind of its neurons, such as leaky; None: not known, or none.
    """

    name: str
    shape: tuple[int, ...]
    timesteps: int
    axis: int = 0
    channels: tuple[int, ...] | None = None
    law: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """What may be struck, in the order of the network; empty where a scope leaves nothing of a sort.

    Attributes:
        memories: stored weights.
        stages: neurons.
        input_shape: of one prepared input; None: pixels may not be struck.
        input_range: smallest and largest value that an input can have, one number each or one a channel; None: not
            known.
    """

    memories: tuple[Memory, ...] = ()
    stages: tuple[Neurons, ...] = ()
    input_shape: tuple[int, ...] | None = None
    input_range: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    @property
    def bits(self) -> int:
        """Stored bits in all."""
        return sum(memory.count for memory in self.memories)
