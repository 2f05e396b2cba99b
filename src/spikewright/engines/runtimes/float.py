"""The collapsed engine in float32."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from spikewright.engines.network import build
from spikewright.engines.runtimes import Running
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True)
class Float:
    """The engine by the name "float"."""

    kind: Literal["float"] = "float"
    devices: ClassVar[tuple[str, ...]] = ("cpu", "cuda")
    dtype: ClassVar[torch.dtype] = torch.float32
    weight_bits: ClassVar[int] = 32

    def __call__(self, blueprint: Blueprint) -> Running:
        """Any network runs so."""
        return Running(build(blueprint, dtype=torch.float32), "float32")
