"""An ordinary network laid out for injection: the captured source, weights stored as integers, activations real.

Everything between products is the interpreter's, in float32; what a product reads is put on a grid, of the largest
fault-free value in 8 to 16 bits, as many as let float32 hold the sums (`pieces.py`), and a mean is taken in float64 on
a grid of 20. So activations are rounded as a processor with as many bits would round them, and nothing is clipped.
Activations keep the source's own shape: nothing is clipped that the network does not clip.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ops import Activating, Averaging, Product
from spikewright.ann.ops.activations import BatchNorm
from spikewright.ann.source import INPUT, Source, SourceNode
from spikewright.conversion.quantise import load, store
from spikewright.reliability.faults import StageFault
from spikewright.reliability.injectable.pieces import FINE_BITS, Weights, laid_out, weights_for
from spikewright.reliability.sites import Memory, Neurons, Sites
from spikewright.snn.formats.uniform import Uniform


class OrdinaryPiece:
    """One node of a source."""

    def __init__(
        self,
        node: SourceNode,
        roles: Mapping[str, Tensor],
        *,
        weights: Weights | None,
        scale: Tensor | None,
        top: float,
        grid: int | None,
    ) -> None:
        self.name, self.inputs = node.name, node.inputs
        self.weights = weights
        self._node, self._roles, self._scale, self._top, self._grid = node, roles, scale, top, grid
        self._affine = _affine(node, roles)

    def gather(self, inputs: Sequence[Tensor]) -> Tensor:
        """See `pieces.Piece`."""
        if self.weights is not None:
            return laid_out(self.weights.on_grid(inputs[0]))
        given = [x[0] for x in inputs]
        if self._grid is not None:
            given = [(x.double() * 2.0**self._grid).round_() * 2.0**-self._grid for x in given]
        if self._affine is not None:
            gain, shift = self._affine
            return laid_out((given[0] * gain + shift).unsqueeze(0))
        made = interpreter.evaluate(self._node, given, self._roles)
        return laid_out(made.float().unsqueeze(0))

    def finish(
        self,
        made: Tensor,
        *,
        channels: Tensor | None = None,
        fault: StageFault | None = None,
        images: NDArray[np.int64] | None = None,
    ) -> Tensor:
        """See `pieces.Piece`."""
        if self.weights is not None:
            assert self._scale is not None
            made = made.float() * _cut(self._scale, channels)
            bias = self._roles.get("bias")
            if bias is not None:
                made = made + _cut(bias.reshape(-1, *(1,) * self.weights.op.space), channels)
        if fault is not None:
            assert images is not None
            made = fault.value(made[0], images, self._top).unsqueeze(0)
        return laid_out(made)


def _affine(node: SourceNode, roles: Mapping[str, Tensor]) -> tuple[Tensor, Tensor] | None:
    """Gain and shift [C, *1] of a batch norm; torch's own rounds in another order where the batch is one image."""
    if type(node.op) is not BatchNorm:
        return None
    gain = (roles["variance"] + node.op.epsilon).rsqrt() * roles.get("weight", 1.0)
    shift = roles.get("bias", 0.0) - roles["mean"] * gain
    spread = (-1, *(1,) * (len(node.shape) - 1))
    return gain.reshape(spread), shift.reshape(spread)


def _cut(constant: Tensor, channels: Tensor | None) -> Tensor:
    """One number for each channel, or those of some channels."""
    return constant if channels is None or constant.shape[0] == 1 else constant.index_select(0, channels)


class OrdinaryTarget:
    """A source laid out for injection, with the weights of its products stored in a format.

    Args:
        source: any captured network.
        weights: format of the weights.
        sample: prepared inputs [n, *input_shape], from which the grids are taken.

    Raises:
        BadModel: a network without a weight to strike.
        NotExact: sums that no floating point holds.
    """

    arithmetic = "products on a grid of 8 to 16 bits, values in float32"

    def __init__(self, source: Source, weights: Uniform, sample: Tensor) -> None:
        stored = store(source, weights)
        self.source = load(source, stored)
        self._memories = {array: _first_reader(source, array) for array in stored}
        self._stored = stored
        arrays = {name: array.float() for name, array in self.source.arrays.items()}
        read, made = _tops(self.source, arrays, sample)
        self.pieces: list[OrdinaryPiece] = []
        for node in source.nodes:
            roles = {role: arrays[name] for role, name in node.arrays}
            array = dict(node.arrays).get("weight")
            own, scale = None, None
            if isinstance(node.op, Product) and array is not None:
                found = stored[array]
                own = weights_for(
                    node.op, memory=self._memories[array], bits=weights.bits, integers=found.integers, most=None,
                    golden=read[node.name], fine=False,
                )  # fmt: skip
                count = node.op.out_channels(found.integers)
                unit = 2.0**-own.exponent if own.exponent is not None else 1.0
                scale = (found.scale * unit).float().reshape(-1).expand(count).reshape(-1, *(1,) * node.op.space)
            grid = None
            if isinstance(node.op, Averaging) and read[node.name] > 0:
                grid = int(FINE_BITS - np.ceil(np.log2(read[node.name])))
            self.pieces.append(
                OrdinaryPiece(node, roles, weights=own, scale=scale, top=made[node.name], grid=grid)
            )  # fmt: skip

    def start(self, inputs: Tensor) -> Tensor:
        """See `pieces.Target`."""
        return laid_out(inputs.float().unsqueeze(0))

    def sites(self) -> Sites:
        """All that faults may strike."""
        memories = tuple(
            Memory(
                name=self._memories[array],
                integers=found.integers.flatten().numpy().astype(np.int64),
                bits=found.format.bits,
                positions=tuple(range(found.format.bits)),
            )
            for array, found in self._stored.items()
        )
        stages = tuple(
            Neurons(name=node.name, shape=node.shape, timesteps=1)
            for node in self.source.nodes
            if isinstance(node.op, Activating)
        )
        return Sites(memories=memories, stages=stages, input_shape=self.source.input_shape)


def _first_reader(source: Source, array: str) -> str:
    return next(node.name for node in source.nodes if dict(node.arrays).get("weight") == array)


def _tops(source: Source, arrays: Mapping[str, Tensor], sample: Tensor) -> tuple[dict[str, float], dict[str, float]]:
    """The largest magnitude that each node reads, and that it makes, in a fault-free run on the sample."""
    made = {INPUT: float(sample.abs().max())}

    def watch(node: SourceNode, value: Tensor) -> None:
        made[node.name] = float(value.abs().max())

    with torch.no_grad():
        interpreter.run(source, sample.float(), arrays=arrays, watch=watch)
    return {node.name: max(made[name] for name in node.inputs) for node in source.nodes}, made
