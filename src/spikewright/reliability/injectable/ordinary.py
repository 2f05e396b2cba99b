"""An ordinary network laid out for injection: the captured source, weights stored as integers, activations real.

    value = float32(scale · Σ W·x + bias)    W stored integers; x float32, read on each image's own grid (`own_grid.py`)
Sums are exact, and rounded once; everything between products is the interpreter's, in float32, and a mean is that of
exact sums. So activations are real ones, whatever values an image has, and nothing is clipped that the network does not
clip.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.channels import channel_axes
from spikewright.ann.ops import Activating, Averaging, Product
from spikewright.ann.ops.activations import BatchNorm
from spikewright.ann.source import Source, SourceNode
from spikewright.conversion.quantise import load, store
from spikewright.reliability.faults import StageFault
from spikewright.reliability.injectable.layout import laid_out, lanes
from spikewright.reliability.injectable.pieces import Weights, averaged, image_by_image, weights_for
from spikewright.reliability.sites import Memory, Neurons, Sites
from spikewright.snn.formats.uniform import Uniform


class OrdinaryPiece:
    """One node of a source; `top` is the value of its saturated neurons."""

    def __init__(
        self, node: SourceNode, roles: Mapping[str, Tensor], *, weights: Weights | None, scale: Tensor | None
    ) -> None:
        self.name, self.inputs = node.name, node.inputs
        self.weights = weights
        self.top = 0.0
        self._node, self._roles = node, roles
        self._affine = _affine(node, roles)
        if weights is not None:
            assert scale is not None
            count = weights.channels
            bias = roles.get("bias")
            self._gain = scale.double().reshape(-1).expand(count).contiguous()
            self._shift = torch.zeros(count, dtype=torch.float64) if bias is None else bias.double().reshape(-1)

    def gather(self, inputs: Sequence[Tensor]) -> Tensor:
        """See `pieces.Piece`."""
        if self.weights is not None:
            return laid_out(inputs[0])
        given = [x[0] for x in inputs]
        op = self._node.op
        if isinstance(op, Averaging):
            return laid_out(averaged(op, inputs[0], self._evaluate).float())
        if self._affine is not None:
            gain, shift = self._affine
            return laid_out((given[0] * gain + shift).unsqueeze(0))
        return laid_out(image_by_image(op, inputs, self._evaluated).float())

    def _evaluate(self, value: Tensor) -> Tensor:
        return self._evaluated([value])

    def _evaluated(self, values: Sequence[Tensor]) -> Tensor:
        return interpreter.evaluate(self._node, [value[0] for value in values], self._roles).unsqueeze(0)

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
            made = self._scaled(made, channels)
        if fault is not None:
            assert images is not None
            made = fault.value(made[0], images, self.top).unsqueeze(0)
        return laid_out(made)

    def _scaled(self, made: Tensor, channels: Tensor | None) -> Tensor:
        """Scale times product plus bias, rounded once."""
        from spikewright.reliability.injectable.rounding import affine  # noqa: PLC0415 - brings Numba, which spiking ones do without

        assert self.weights is not None
        gain, shift = self._gain, self._shift
        if channels is not None:
            gain, shift = gain.index_select(0, channels), shift.index_select(0, channels)
        if made.dim() == 3:
            given = lanes(made)[0]
        elif self.weights.op.space:
            given = made.contiguous().flatten(3).flatten(0, 2)
        else:
            return (made * gain + shift).float()
        rounded = given.new_empty(given.shape, dtype=torch.float32)
        affine(rounded.numpy(), given.numpy(), gain.numpy(), shift.numpy())
        return rounded.unsqueeze(0).transpose(1, 2) if made.dim() == 3 else rounded.view(made.shape)


def _affine(node: SourceNode, roles: Mapping[str, Tensor]) -> tuple[Tensor, Tensor] | None:
    """Gain and shift [C, *1] of a batch norm; torch's own rounds in another order where the batch is one image."""
    if type(node.op) is not BatchNorm:
        return None
    gain = (roles["variance"] + node.op.epsilon).rsqrt() * roles.get("weight", 1.0)
    shift = roles.get("bias", 0.0) - roles["mean"] * gain
    spread = (-1, *(1,) * (len(node.shape) - 1))
    return gain.reshape(spread), shift.reshape(spread)


class OrdinaryTarget:
    """A source laid out for injection, with the weights of its products stored in a format.

    Args:
        source: any captured network.
        weights: format of the weights.

    Raises:
        BadModel: a network without a weight to strike.
        NotExact: sums that no floating point holds.
    """

    arithmetic = "exact sums of stored integers and real activations, rounded to float32"
    saturates: ClassVar[bool] = True

    def __init__(self, source: Source, weights: Uniform) -> None:
        stored = store(source, weights)
        self.source = load(source, stored)
        self._memories = {array: _first_reader(source, array) for array in stored}
        self._stored = stored
        arrays = {name: array.float() for name, array in self.source.arrays.items()}
        self.pieces: list[OrdinaryPiece] = []
        for node in source.nodes:
            roles = {role: arrays[name] for role, name in node.arrays}
            array = dict(node.arrays).get("weight")
            own, scale = None, None
            if isinstance(node.op, Product) and array is not None:
                scale = stored[array].scale
                own = weights_for(
                    node.op, memory=self._memories[array], bits=weights.bits, integers=stored[array].integers, most=None
                )
            self.pieces.append(OrdinaryPiece(node, roles, weights=own, scale=scale))

    def saturating(self, largest: Mapping[str, float]) -> Self:
        """The same network, whose saturated neurons have the largest magnitude of their layer."""
        made = copy.copy(self)
        made.pieces = [copy.copy(piece) for piece in self.pieces]
        for piece in made.pieces:
            piece.top = largest[piece.name]
        return made

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
        axes = channel_axes(self.source.nodes, self.source.value_shapes)
        stages = tuple(
            Neurons(name=node.name, shape=node.shape, timesteps=1, axis=axes[node.name])
            for node in self.source.nodes
            if isinstance(node.op, Activating)
        )
        return Sites(memories=memories, stages=stages, input_shape=self.source.input_shape)


def _first_reader(source: Source, array: str) -> str:
    return next(node.name for node in source.nodes if dict(node.arrays).get("weight") == array)
