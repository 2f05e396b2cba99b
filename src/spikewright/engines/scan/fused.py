"""A layer of leaky neurons over time as one operation with its own backward: float32 on the CPU.

Spikes are those of stepping the law in PyTorch, bit for bit; gradients are equal up to rounding. Nothing but the
currents is kept for backward, and if they are the same at every step, one step of them. Neurons are independent, so
that any dense layout of batch and features serves as it is; spikes and gradients get the layout of the currents.

The exponential of the sigmoid shape is not vectorised: it costs several times what the others do.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from spikewright.engines.scan import loops as kernels
from spikewright.engines.threads import spread
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.surrogate import Arctangent, FastSigmoid, Rectangle, Shape, Sigmoid, Triangle

_RESETS = {"soft": kernels.SOFT, "hard": kernels.HARD, "delayed": kernels.DELAYED}
_SHAPES: dict[type[Shape], int] = {
    Rectangle: kernels.RECTANGLE,
    Triangle: kernels.TRIANGLE,
    Arctangent: kernels.ARCTANGENT,
    FastSigmoid: kernels.FAST_SIGMOID,
    Sigmoid: kernels.SIGMOID,
}
_CACHED = 32_768  # membranes in a block: with what they were stored as, 256 KiB
_WORTH_A_THREAD = 65_536  # membranes below which handing out work takes longer than the work


def fits(currents: Tensor, law: Leaky, shape: Shape) -> bool:
    """Whether `fused` knows these: float32 on the CPU, a membrane that is not squashed, a shape of this package."""
    return (
        currents.device.type == "cpu"
        and currents.dtype == torch.float32
        and currents.numel() > 0
        and not (law.membrane is not None and law.membrane.squash)
        and type(shape) in _SHAPES
        and not torch.compiler.is_compiling()
    )


def fused(
    currents: Tensor,
    *,
    law: Leaky,
    threshold: float,
    leak: Tensor | None,
    shape: Shape,
    detach_reset: bool,
    timesteps: int,
) -> tuple[Tensor, Tensor]:
    """Spikes and peak as `scan` returns them; arguments as of `scan`, which checks them, where `fits` is true."""
    unit = torch.tensor(threshold, dtype=currents.dtype)
    stored = law.membrane
    use = kernels.Constants(
        leak=np.float32(law.leak if leak is None else leak.item()),
        threshold=np.float32(threshold),
        reset=_RESETS[law.reset],
        top=np.float32(0 if stored is None else stored.top(unit).item()),
        step=np.float32(0 if stored is None else stored.step(unit).item()),
        largest=np.float32(0 if stored is None else stored.largest),
        shape=_SHAPES[type(shape)],
        width=np.float32(shape.width),
        detached=detach_reset,
    )
    return _Fused.apply(currents, leak, use, timesteps)  # pyright: ignore[reportReturnType]


class _Rows(NamedTuple):
    """How [T, N, *features] lies in memory: T rows, all in one order that need not be that of the axes."""

    length: int
    strides: tuple[int, ...]  # of batch and features

    def empty(self, timesteps: int, shape: torch.Size) -> Tensor:
        return torch.empty_strided((timesteps, *shape[1:]), (self.length, *self.strides), dtype=torch.float32)

    def view(self, tensor: Tensor) -> Tensor:
        """[T, M] in the order of memory, or [1, M] where every step is the same memory; copied only if it must be."""
        steps, axes = len(tensor), range(1, tensor.dim())
        alike = all(tensor.shape[i] == 1 or tensor.stride(i) == self.strides[i - 1] for i in axes)
        if not alike or (steps > 1 and tensor.stride(0) not in {0, self.length}):
            tensor = self.empty(steps, tensor.shape).copy_(tensor)
        repeated = steps > 1 and tensor.stride(0) == 0
        return tensor.as_strided((1 if repeated else steps, self.length), (self.length, 1))


def _dense(tensor: Tensor) -> tuple[Tensor, _Rows]:
    """The tensor, copied unless batch and features are dense in some order and steps follow each other; its rows."""
    axes = sorted((i for i in range(1, tensor.dim()) if tensor.shape[i] > 1), key=tensor.stride)
    expected = 1
    for i in axes:
        if tensor.stride(i) != expected:
            tensor = tensor.contiguous()
            break
        expected *= tensor.shape[i]
    length = tensor[0].numel()
    if len(tensor) > 1 and tensor.stride(0) != length:
        tensor = tensor.contiguous()
    return tensor, _Rows(length, tensor.stride()[1:])


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, currents: Tensor, leak: Tensor | None, use: kernels.Constants, timesteps: int
    ) -> tuple[Tensor, Tensor]:
        currents, rows = _dense(currents)
        spikes = rows.empty(timesteps, currents.shape)
        given, written = rows.view(currents).numpy(), rows.view(spikes).numpy()
        peaks = _share(rows.length, timesteps, lambda *part: kernels.forward(given, written, use, *part))
        peak = torch.tensor(peaks).amax() / float(use.threshold)
        ctx.save_for_backward(currents)
        ctx.rows, ctx.use, ctx.timesteps = rows, use, timesteps
        ctx.leak_dtype = None if leak is None else leak.dtype
        ctx.mark_non_differentiable(peak)
        return spikes, peak

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *outer: Tensor
    ) -> tuple[Tensor, Tensor | None, None, None]:
        (currents,) = ctx.saved_tensors
        rows, use, timesteps = ctx.rows, ctx.use, ctx.timesteps
        inner = rows.empty(len(currents), currents.shape)
        given, above, written = (rows.view(tensor).numpy() for tensor in (currents, outer[0], inner))
        blocks = -(-rows.length // _block(timesteps))
        leaks = np.zeros(blocks if ctx.needs_input_grad[1] else 0)
        _share(
            rows.length,
            timesteps,
            lambda *part: kernels.backward(given, above, written, leaks, use, timesteps, *part),
        )
        # summed block by block, so that the sum is the same however many threads there were
        slope = torch.tensor(leaks.sum(), dtype=ctx.leak_dtype) if ctx.needs_input_grad[1] else None
        return inner, slope, None, None


def _block(timesteps: int) -> int:
    """How many neurons go through all their steps together; a multiple of a vector's length."""
    return min(max(_CACHED // timesteps // 64 * 64, 64), 2048)


def _share(neurons: int, timesteps: int, run: Callable[[int, int, int], Any]) -> list[Any]:
    """What `run(block, first, last)` returns for ranges that cover all blocks, on as many threads as PyTorch has."""
    block = _block(timesteps)
    blocks = -(-neurons // block)
    threads = min(torch.get_num_threads(), neurons * timesteps // _WORTH_A_THREAD)
    return spread(blocks, threads, lambda first, last: run(block, first, last))
