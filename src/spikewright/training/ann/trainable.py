"""A captured network as a module that trains: its arrays are parameters and buffers, its graph the forward.

    Source → TrainableSource(source) → (any optimiser) → to_source() → Source

Weights and biases of linear maps, convolutions and batch norms, and the activations' thresholds, are
parameters; constants of the user's forward (gains, offsets) and batch norm's running statistics are buffers.
Knows nothing about optimisers, data or losses.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from spikewright.ann import interpreter
from spikewright.ann.ends import arranged
from spikewright.ann.interpreter import Activate, as_trained
from spikewright.ann.ops import Activating
from spikewright.ann.ops.activations import BatchNorm
from spikewright.ann.ops.products import Conv, Linear
from spikewright.ann.source import Source

_TRAINED = (Linear, Conv, BatchNorm)
THRESHOLD_FLOOR = 1e-3  # a threshold of 0 would divide by 0, and one below would turn the activation round


def threshold_names(source: Source) -> frozenset[str]:
    """Names of the arrays that are thresholds of an activation."""
    return frozenset(name for node in source.activations for role, name in node.arrays if role == "threshold")


def trainable_names(source: Source) -> frozenset[str]:
    """Names of the arrays that training may change by gradient."""
    found = {
        name
        for node in source.nodes
        for role, name in node.arrays
        if (isinstance(node.op, _TRAINED) and role in ("weight", "bias"))
    }
    return frozenset(found) | threshold_names(source)


class TrainableSource(nn.Module):
    """The module form of a `Source`; the source given is not changed.

    An array that several nodes share is one parameter, and stays shared in `to_source`. `activate` is called
    at every activation, as by `interpreter.run`.
    """

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source
        trained = trainable_names(source)
        self._thresholds = sorted(threshold_names(source))
        self._keys = {name: _key(name) for name in source.arrays}
        for name, array in source.arrays.items():
            copy = _dense(array.detach().clone())
            if name in trained and array.is_floating_point():
                self.register_parameter(_key(name), nn.Parameter(copy))
            else:
                self.register_buffer(_key(name), copy)

    @property
    def arrays(self) -> Mapping[str, Tensor]:
        """The current arrays under the source's own names."""
        return {name: getattr(self, key) for name, key in self._keys.items()}

    def forward(self, x: Any, activate: Activate = as_trained) -> Any:
        """Map prepared inputs [N, *input_shape] to the output [N, *output_shape]; several as the model gave them."""
        given = _dense(x) if isinstance(x, Tensor) else self.source.inputs_of(x, "training")
        arrays = self.arrays
        return arranged(interpreter.run(self.source, given, arrays=arrays, training=self.training, activate=activate))

    def clamp_thresholds(self) -> None:
        """Bring every threshold between the floor and the activation's cap; call it after each step."""
        with torch.no_grad():
            for name in self._thresholds:
                getattr(self, self._keys[name]).clamp_(min=THRESHOLD_FLOOR)
            for node in self.source.activations:
                if isinstance(node.op, Activating) and node.op.cap is not None and node.op.levels is not None:
                    self.arrays[dict(node.arrays)["threshold"]].clamp_(max=node.op.cap)

    def to_source(self) -> Source:
        """The source with copies of the current arrays, on the CPU and laid out in order."""
        arrays = {name: array.detach().to("cpu", copy=True).contiguous() for name, array in self.arrays.items()}
        return replace(self.source, arrays=arrays)


def _key(name: str) -> str:
    """An attribute name for an array: torch allows no dots, and the prefix avoids a module's own names."""
    return "array:" + name.replace(".", "/")


def _dense(tensor: Tensor) -> Tensor:
    """Channels last for four axes: oneDNN then convolves without reordering."""
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor
