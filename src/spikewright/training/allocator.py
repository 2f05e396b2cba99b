"""Large tensors of one step reuse the pages of the step before.

glibc gives freed blocks above 32 MiB back to the system at once, and the next step has every page of them cleared and
mapped anew. Training with time folded into the batch makes and frees such blocks in every layer: without them kept, a
step of a small convolutional network takes 1.4 to 1.5 times as long (`benchmarks/training_step.py`, batch 256). Nothing
is computed differently; the process keeps more memory, 3.4 GiB for 2.7 there.

Source: mallopt(3), M_MMAP_MAX and M_TRIM_THRESHOLD.
"""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # malloc.h


def keep_freed_memory() -> bool:
    """Have malloc keep what is freed, for the rest of this process: its memory stays as large as its peak.

    Returns:
        Whether it could be asked for: on Linux with glibc; elsewhere nothing is done.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # -1: never trimmed
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, -1))
