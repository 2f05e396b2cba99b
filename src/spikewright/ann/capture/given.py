"""What is given to be captured: a module whose weights are there."""

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from spikewright.errors import BadModel

_FULL = (torch.float32, torch.float64)


def require_module(model: object) -> nn.Module:
    """The module, if it can be traced and evaluated.

    Raises:
        BadModel: no module, TorchScript, a tensor without values, or of a precision that is not float32 or float64;
            the tensor is named.
    """
    if not isinstance(model, nn.Module):
        raise BadModel(f"a torch.nn.Module is captured, got {type(model).__name__}: wrap a function in a module")
    if any(isinstance(part, torch.jit.ScriptModule) for part in model.modules()):
        raise BadModel("TorchScript holds no Python to trace: give the module that it was scripted or traced from")
    for name, tensor in _tensors(model).items():
        if is_lazy(tensor):
            raise BadModel(f"tensor {name!r} has no shape yet (a lazy layer): call the model on a batch first")
        if tensor.is_meta:
            raise BadModel(f"tensor {name!r} is on the meta device and holds no values: load the model's weights first")
        if (tensor.is_floating_point() or tensor.is_complex()) and tensor.dtype not in _FULL:
            raise BadModel(f"tensor {name!r} holds {tensor.dtype}: convert in full precision, with model.float()")
    return model


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}
