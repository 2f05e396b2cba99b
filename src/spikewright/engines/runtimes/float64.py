"""The collapsed engine in float64: that in which codes are certified."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from spikewright.engines.network import build
from spikewright.engines.runtimes import Running
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True)
class Float64:
    """The engine by the name "float64"."""

    kind: Literal["float64"] = "float64"
    devices: ClassVar[tuple[str, ...]] = ("cpu", "cuda")
    dtype: ClassVar[torch.dtype] = torch.float64
    weight_bits: ClassVar[int] = 64

    def __call__(self, blueprint: Blueprint) -> Running:
        """Any network runs so."""
        return Running(build(blueprint, dtype=torch.float64), "float64")
