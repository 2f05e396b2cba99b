"""Directly trained networks of 1-bit weights, run from packed words."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from spikewright.engines.runtimes import Running
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True)
class Packed:
    """The engine by the name "packed"."""

    kind: Literal["packed"] = "packed"
    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    dtype: ClassVar[torch.dtype] = torch.float32
    weight_bits: ClassVar[int] = 8

    def __call__(self, blueprint: Blueprint) -> Running:
        """Clocked networks with 1-bit weights.

        Raises:
            BadPlan: another network.
        """
        from spikewright.engines.packed.network import PackedNetwork  # noqa: PLC0415 - brings Numba

        return Running(PackedNetwork(blueprint), "1-bit weights in words, gains and neurons in float32")
