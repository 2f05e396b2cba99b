"""Direct input: the analog value itself at every step, the first layer's current being the same at each.

Source: the direct encoding of directly trained networks (Q-SNNs, §5.1, and most since Wu et al. 2019). Not the
`Repeat` of converted networks, which presents the value in T equal parts.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from spikewright.snn.encoders._plain import Plain
from spikewright.snn.encoders.repeat import require_timesteps


@dataclass(frozen=True, slots=True)
class Direct(Plain):
    """The value in full at each of `timesteps` steps."""

    timesteps: int
    kind: Literal["direct"] = "direct"
    streams: ClassVar[bool] = True
    clocked: ClassVar[bool] = True
    constant: ClassVar[bool] = True
    spiking: ClassVar[bool] = False
    timed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_timesteps(self.timesteps)

    @property
    def steps(self) -> int:
        """The window."""
        return self.timesteps

    def __call__(self, x: Tensor) -> Tensor:
        """[N, *] → [T, N, *], an expanded view: who delivers it need do so once."""
        return x.expand(self.timesteps, *x.shape)
