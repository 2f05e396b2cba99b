"""A layer of leaky neurons over time: currents in, spikes out, with surrogate gradients.

    for t:  m ← leak·q + I[t];  s[t] = H(m − θ), ds/dm = shape(m − θ);  reset;  q ← m, quantised
Two forms that are equal, spike for spike: `stepped` is the law of `snn/neurons/leaky.py` step by step under autograd,
on any device and in any dtype; `fused.fused` is one operation, for float32 on the CPU. `scan` takes the one that
fits. Potentials start at 0. Knows nothing about weights, layers or codes.

Source: Neftci, Mostafa, Zenke 2019 (surrogate gradients through time); the law's own sources are with the law.
"""

import math

import torch
from torch import Tensor

from spikewright.engines.scan.fused import fits, fused
from spikewright.errors import BadSetting
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.surrogate import Shape, fire


def scan(
    currents: Tensor,
    *,
    law: Leaky,
    threshold: float,
    shape: Shape,
    leak: Tensor | None = None,
    timesteps: int | None = None,
    detach_reset: bool = False,
) -> tuple[Tensor, Tensor]:
    """Run a layer of leaky neurons through all its steps.

    Args:
        currents: [T, N, *features], or [1, N, *features] if the same at every step.
        law: leak, reset, and how the membrane is stored.
        threshold: θ, above 0, in what the currents are measured in.
        shape: the surrogate gradient; its width is measured like the currents: the distance is m − θ, as in snnTorch.
        leak: 0-d, used instead of the law's, and given a gradient; not clamped.
        timesteps: T where the currents are the same at every step; else as many as there are.
        detach_reset: no gradient through the reset, as in snnTorch.

    Returns:
        Spikes 0/1, [T, N, *features], in the currents' dtype; and the peak, 0-d and without a gradient: the largest
        |m| after the reset, before it is quantised, over all neurons and steps, in thresholds (0 if there are none).
        For a squashed membrane it is that before tanh.

    Raises:
        BadSetting: a threshold that is not above 0 and finite, a leak that is not 0-d, or timesteps that are neither
            the currents' own nor met by one step of them.
    """
    if not (math.isfinite(threshold) and threshold > 0):
        raise BadSetting(f"a threshold must be finite and above 0, got {threshold}")
    if leak is not None and leak.dim() != 0:
        raise BadSetting(f"a learned leak is one number, 0-d, for all neurons of a layer, got {list(leak.shape)}")
    steps = _steps(currents, timesteps)
    form = fused if fits(currents, law, shape) else stepped
    return form(
        currents, law=law, threshold=threshold, leak=leak, shape=shape, detach_reset=detach_reset, timesteps=steps
    )


def _steps(currents: Tensor, timesteps: int | None) -> int:
    """How many are run."""
    steps = len(currents) if timesteps is None else timesteps
    if steps < 1 or len(currents) not in {1, steps}:
        raise BadSetting(f"currents of {len(currents)} steps cannot run for {steps}: give 1 or as many")
    return steps


def stepped(
    currents: Tensor,
    *,
    law: Leaky,
    threshold: float,
    leak: Tensor | None,
    shape: Shape,
    detach_reset: bool,
    timesteps: int,
) -> tuple[Tensor, Tensor]:
    """The same by the law itself, step by step; arguments as of `scan`, which checks them."""
    unit = currents.new_tensor(threshold)
    state = law.init(currents.new_zeros(()), currents[0])
    peak, train = currents.new_zeros(()), []
    for t in range(timesteps):
        state = law.integrate(state, currents[t if len(currents) > 1 else 0], leak)
        spikes = fire(state.potential - unit, shape)
        state = law.reset_after(state, spikes.detach() if detach_reset else spikes, unit)
        if currents.numel():
            peak = torch.maximum(peak, state.potential.detach().abs().amax())
        state = law.settle(state, unit)
        train.append(spikes)
    return torch.stack(train), peak / unit
