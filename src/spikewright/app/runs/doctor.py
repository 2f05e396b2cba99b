"""What this machine has: versions, devices, data sets, extras."""

import os
import platform
import shutil
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import torch

from spikewright.data.events.layout import SOURCES
from spikewright.data.lookup import HUB_IDS
from spikewright.engines.precision import require_float32
from spikewright.errors import BadSetting

EXTRAS = {"augment": "kornia", "events": "tonic", "dev": "pytest"}


def examine() -> dict[str, str]:
    """Each thing looked for and what was found, in words."""
    packages = ("spikewright", "torch", "lightning", "datasets", "safetensors", "numpy", "numba")
    found = {"python": platform.python_version()}
    found |= {name: metadata.version(name) for name in packages}
    found["processor"] = f"{os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}"
    found["float32 products"] = _float32()
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    found["graphics processors"] = ", ".join(gpus) or "none"
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    found["C++ compiler"] = compiler or "none: torch.compile is left out"
    root = os.environ.get("SPIKEWRIGHT_DATA")
    found["SPIKEWRIGHT_DATA"] = root or "not set: data sets come from the hub"
    for name in HUB_IDS:
        local = root is not None and (Path(root) / name).is_dir()
        found[f"data {name}"] = f"{root}/{name}" if local else "on the hub only"
    for name in SOURCES:
        local = root is not None and (Path(root) / name).is_dir()
        found[f"data {name}"] = f"{root}/{name}" if local else "not there: docs/event_data.md says where to get it"
    found["data digits"] = "with scikit-learn"
    for extra, package in EXTRAS.items():
        found[f"extra {extra}"] = "installed" if find_spec(package) else f"pip install spikewright[{extra}]"
    return found


def _float32() -> str:
    try:
        require_float32()
    except BadSetting as reason:
        return str(reason)
    return "in full"
