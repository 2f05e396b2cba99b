"""The conditions a result was made under, to stand beside it."""

import platform
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import torch


def conditions(began: float, *, seeds: Sequence[int]) -> dict[str, Any]:
    """Date, machine, versions, seeds and minutes since `began` (a time.monotonic())."""
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU"
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{device}, {platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in ("spikewright", "torch", "lightning")},
        "seeds": list(seeds),
        "minutes": round((time.monotonic() - began) / 60, 1),
    }
