"""Values and spike trains under a code: pure tensor functions, time axis first.

    decode: codes = Σ_t w[t] · s[t]          encode: at each step spend w[t] where it still fits
Knows nothing about membranes, units or networks.
"""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from spikewright.snn.code import Code


def heaviside(distance: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """1 where the potential has reached the threshold, else 0: a tie fires."""
    return (distance >= 0).to(distance.dtype)


def decode(train: Float[Tensor, "time batch *features"], code: Code) -> Float[Tensor, "batch *features"]:
    """The integer codes that a train of spikes stands for; warm-up steps count for nothing."""
    weights = torch.tensor(code.step_weights, dtype=train.dtype, device=train.device)
    return torch.tensordot(weights, train[code.warmup :], dims=1)


def weighted(
    train: Float[Tensor, "time batch *features"], code: Code, first: int = 0
) -> Float[Tensor, "time batch *features"]:
    """What each spike is worth, w[t] · s[t], steps `first` on; one unit in a warm-up, which only rate codes have."""
    if code.is_rate:
        return train
    chosen = code.step_weights[first : first + len(train)]
    weights = torch.tensor(chosen, dtype=train.dtype, device=train.device)
    return train * weights.reshape(-1, *(1,) * (train.dim() - 1))


def encode(
    codes: Float[Tensor, "batch *features"], code: Code, *, signed: bool = False
) -> Float[Tensor, "time batch *features"]:
    """The train that greedy firing emits for integer codes in 0..Σw; if `signed`, −Σw..Σw, by spikes of that sign."""
    if signed:
        return encode(codes.abs(), code) * torch.sign(codes)
    rest, steps = codes, []
    for weight in code.step_weights:
        spikes = heaviside(rest - weight)
        rest = rest - weight * spikes
        steps.append(spikes)
    return torch.stack(steps)


def spike_counts(codes: Float[Tensor, "batch *features"], code: Code) -> Shaped[Tensor, "batch *features"]:
    """How many spikes each neuron emits for its code: popcount for bit planes, the code itself for a rate."""
    weights = code.step_weights
    if code.is_rate:
        return codes
    if weights != Code.bit_planes(len(weights)).step_weights:
        return encode(codes, code).sum(0)
    if len(weights) > 8:
        integers = codes.to(torch.int64)
        return sum((((integers >> bit) & 1) for bit in range(len(weights))), start=torch.zeros_like(integers))
    # Bytes move least memory when each operation is a pass of its own; fused, 32-bit lanes are 5× faster.
    bits = codes.to(torch.int32 if torch.compiler.is_compiling() else torch.uint8)
    bits = bits - ((bits >> 1) & 0x55)
    bits = (bits & 0x33) + ((bits >> 2) & 0x33)
    return (bits + (bits >> 4)) & 0x0F
