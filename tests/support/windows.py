"""What `max_pool_1d_behind_a_norm` of the zoo pools, taken window by window."""

import torch
from torch import Tensor


def largest_or_least(value: Tensor, windows: int) -> Tensor:
    """[N, C, L] → [N, C, windows]; the zoo's gains are negative in every third channel, from the second on."""
    length = value.shape[-1]
    spans = [slice(o * length // windows, -(-(o + 1) * length // windows)) for o in range(windows)]
    largest, least = (
        torch.stack([pick(value[..., span], -1) for span in spans], -1) for pick in (torch.amax, torch.amin)
    )
    negative = torch.arange(value.shape[1]) % 3 == 1
    return torch.where(negative.unsqueeze(1), least, largest)
