"""The lowered network on bytes: weights as the blueprint stores them, else 8 bits."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from spikewright.engines.lower.integer import lowered
from spikewright.engines.runtimes import Running
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True)
class Int8:
    """The engine by the name "int8"."""

    kind: Literal["int8"] = "int8"
    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    dtype: ClassVar[torch.dtype] = torch.float32
    weight_bits: ClassVar[int] = 8

    def __call__(self, blueprint: Blueprint) -> Running:
        """Postponed firing, in integers that are proven to fit.

        Raises:
            NotExact: as `lowered`.
        """
        # brings Numba
        from spikewright.engines.int8.network import Int8Network  # noqa: PLC0415
        from spikewright.engines.int8.operations import BYTES  # noqa: PLC0415

        runner = Int8Network(lowered(blueprint))
        kinds = sorted(runner.arithmetic.values(), key=lambda kind: (kind != BYTES, kind))
        counts = ", ".join(f"{kinds.count(kind)} in {kind}" for kind in dict.fromkeys(kinds))
        return Running(runner, f"integers; products: {counts or 'none'}")
