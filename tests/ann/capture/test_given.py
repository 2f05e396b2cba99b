"""What cannot be captured is refused in one line that names it; what plainly can be is taken."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
from spikewright.errors import BadModel

X = torch.rand(4, 6, generator=torch.Generator().manual_seed(0))


def _net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))


def _half_of_it() -> nn.Module:
    net = _net()
    net[2].half()
    return net


def _around(part: Any) -> nn.Module:
    return nn.Sequential(part)


def _two_precisions() -> nn.Module:
    net = _net()
    net[2].double()
    return net


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (_net().bfloat16(), r"tensor '0.weight' holds torch.bfloat16: .* with model.float\(\)"),
        (_net().half(), "tensor '0.weight' holds torch.float16"),
        (_half_of_it(), "tensor '2.weight' holds torch.float16"),
        (_two_precisions(), "'0.bias' torch.float32, '2.bias' torch.float64"),
        (nn.Sequential(nn.LazyLinear(3), nn.ReLU()), "tensor '0.weight' has no shape yet"),
        (_net().to("meta"), "tensor '0.weight' is on the meta device"),
        (torch.jit.trace(_net(), X), "TorchScript holds no Python"),
        (_around(torch.jit.trace(_net(), X)), "TorchScript holds no Python"),
        (torch.relu, "a torch.nn.Module is captured, got builtin_function_or_method"),
    ],
)
def test_modules_that_are_refused(model: Any, message: str) -> None:
    with pytest.raises(BadModel, match=message) as caught:
        capture(model, X)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ((X, X), "got a tuple of 2"),
        (None, "got a NoneType"),
        (X[0], r"must be a batch \[N, \*features\], got shape \(6,\)"),
        (X.long(), "holds torch.int64"),
        (X / 0, "not finite"),
        (X.to("meta"), "meta device"),
    ],
)
def test_examples_that_are_refused(example: Any, message: str) -> None:
    with pytest.raises(BadModel, match=message) as caught:
        capture(_net(), example)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("example", [(X,), [X], X.numpy(), X.double(), np.float64(X.numpy()), X.bfloat16()])
def test_examples_that_are_taken(example: Any) -> None:
    assert capture(_net(), example).nodes == capture(_net(), X).nodes


@pytest.mark.parametrize("example", [X, X.double()])
def test_a_network_in_float64_stays_so(example: Tensor) -> None:
    assert capture(_net().double(), example).dtype == torch.float64
