"""Rate coding: at every step each input spikes with a probability that is its value.

    s[t] ~ Bernoulli(x), x clipped to [0, 1]
The draw is a pure function of a key for each sample, the step and the input's place (`_draws.py`).
Called as an encoder the key is made of the sample's own values and the seed: a sample meets the same spikes
whatever batch it is in, and whoever runs the network again. Training draws by keys of its own.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", §III, after snnTorch's rate coding.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor

from spikewright.errors import BadSetting
from spikewright.snn.encoders._plain import Plain
from spikewright.snn.encoders.repeat import require_timesteps

if TYPE_CHECKING:
    from spikewright.snn.encoders._draws import Keys


@dataclass(frozen=True, slots=True)
class Bernoulli(Plain):
    """Random spikes at `timesteps` steps, drawn by `seed`."""

    timesteps: int
    seed: int = 0
    kind: Literal["bernoulli"] = "bernoulli"
    streams: ClassVar[bool] = True
    clocked: ClassVar[bool] = True
    constant: ClassVar[bool] = False
    spiking: ClassVar[bool] = True
    timed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require_timesteps(self.timesteps)
        if not 0 <= self.seed < 2**63:
            raise BadSetting(f"rate coding: seed is {self.seed}: it must be 0 or more, and below 2^63")

    @property
    def steps(self) -> int:
        """The window."""
        return self.timesteps

    @property
    def largest(self) -> float | None:
        """A spike."""
        return 1.0

    def __call__(self, x: Tensor) -> Tensor:
        """[N, *] → [T, N, *] of 0 and 1, the same for a sample wherever it stands."""
        from spikewright.snn.encoders._draws import content_keys  # noqa: PLC0415 - brings Numba

        values = x.detach().cpu()
        return self._drawn(values, content_keys(values.float().flatten(1).numpy(), self.seed)).to(x.device)

    def anew(self, x: Tensor, key: tuple[int, ...]) -> Tensor:
        """[N, *] → [T, N, *] by (seed, key, row) in place of the samples' values."""
        from spikewright.snn.encoders._draws import row_keys  # noqa: PLC0415

        values = x.detach().cpu()
        return self._drawn(values, row_keys(len(values), (self.seed, *key))).to(x.device)

    def _drawn(self, x: Tensor, keys: "Keys") -> Tensor:
        from spikewright.snn.encoders._draws import spikes  # noqa: PLC0415

        rows = x.flatten(1).contiguous()
        drawn = spikes(rows.to(torch.float32).numpy(), keys, self.timesteps)
        return torch.from_numpy(drawn).to(x.dtype).unflatten(2, x.shape[1:])
