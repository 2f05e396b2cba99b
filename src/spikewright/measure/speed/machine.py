"""The processor that a time was taken on, in words."""

import os
import platform
from pathlib import Path

import torch

_CPUINFO = Path("/proc/cpuinfo")
_SHOWN = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8")


def processor() -> dict[str, str]:
    """Name, the extensions that matter to integer products, threads in use, and what oneDNN was held to, if anything.

    What the system does not tell is left out.
    """
    found = {"machine": platform.machine(), "capability": torch.backends.cpu.get_cpu_capability()}
    lines = _CPUINFO.read_text().splitlines() if _CPUINFO.is_file() else []
    facts = {key.strip(): text.strip() for key, _, text in (line.partition(":") for line in lines)}
    if "model name" in facts:
        listed = [facts[key] for key in ("cpu family", "model") if key in facts]
        found["name"] = facts["model name"] + (f" (family {listed[0]}, model {listed[1]})" if len(listed) == 2 else "")
    if "flags" in facts:
        flags = set(facts["flags"].split())
        found["extensions"] = ", ".join(name for name in _SHOWN if name in flags) or "none of these"
    found["threads"] = str(torch.get_num_threads())
    if "ONEDNN_MAX_CPU_ISA" in os.environ:
        found["onednn_held_to"] = os.environ["ONEDNN_MAX_CPU_ISA"]
    return found
