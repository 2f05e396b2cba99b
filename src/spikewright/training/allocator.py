"""Large tensors of one step reuse the pages of the step before.

glibc gives freed blocks above 32 MiB back to the system at once, and the next step has every page of them cleared and
mapped anew. Training with time folded into the batch makes and frees such blocks in every layer: a step of a small
convolutional network takes 1.2 to 1.4 times as long without (`benchmarks/training_step.py`, the large batch, with and
without `--plain`). The price is memory: what is kept is also cut up, and the process grew to twice the size there.
Nothing is computed differently.

Source: mallopt(3), M_MMAP_MAX and M_TRIM_THRESHOLD.
"""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # malloc.h


def retain_freed_memory() -> bool:
    """Have malloc keep what is freed, for the rest of this process, whose memory never shrinks again.

    Returns:
        Whether it could be asked for: on Linux with glibc; elsewhere nothing is done.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # -1: never trimmed
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, -1))
