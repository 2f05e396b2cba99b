"""How values [T, N, *features] lie in memory: vectors [T, N, F] as [T, F, N], all others as they are."""

from torch import Tensor


def lanes(vectors: Tensor) -> Tensor:
    """[T, N, F] as contiguous [T, F, N]; copied only if it does not lie so."""
    return vectors.transpose(1, 2).contiguous()


def laid_out(value: Tensor) -> Tensor:
    """A value as values lie: vectors by feature, all others as they are."""
    return lanes(value).transpose(1, 2) if value.dim() == 3 else value.contiguous()


def pick(value: Tensor, rows: Tensor | None) -> Tensor:
    """Some of the batch [T, N, *] → [T, R, *], laid out as values are; None: all of it, not copied."""
    if rows is None:
        return value
    if value.dim() == 3:
        return lanes(value).index_select(2, rows).transpose(1, 2)
    return value.index_select(1, rows)


def pick_channels(value: Tensor, channels: Tensor | None) -> Tensor:
    """Some channels of [T, N, C, *]; None: all of them, not copied."""
    if channels is None:
        return value
    if value.dim() == 3:
        return lanes(value).index_select(1, channels).transpose(1, 2)
    return value.index_select(2, channels)
