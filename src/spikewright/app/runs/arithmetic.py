"""What a verb settles before it makes a figure: that float32 is float32.

A command's process is its own, so switches may be set here.
"""

import torch

from spikewright.engines.precision import require_float32


def settle_arithmetic(device: torch.device | str = "cpu") -> None:
    """Have PyTorch convolve directly and in full, and refuse where products keep fewer bits than float32 has.

    NNPACK, which is there where PyTorch has no oneDNN, convolves by transforms that round sums of whole numbers; cuDNN
    takes TF32 for float32 unless it is told not to. Both are switched off for the rest of the process.

    Raises:
        BadSetting: as `require_float32` says.
    """
    torch.backends.nnpack.set_flags(False)
    if torch.device(device).type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    require_float32(device)
