"""What cannot be captured is refused in one line that names it; what plainly can be is taken."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.errors import BadModel, UnsupportedModule

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


class _Compiled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = _net()

    @torch.compile
    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def _compiled_in_place() -> nn.Module:
    net = _net()
    net.compile()
    return net


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("model", "names"),
    [
        (nn.DataParallel(_net()), ["0", "1", "2"]),
        (torch.compile(_net()), ["0", "1", "2"]),
        (torch.compile(nn.DataParallel(_net())), ["0", "1", "2"]),
        (_compiled_in_place(), ["0", "1", "2"]),
        (nn.Sequential(torch.compile(_net())), ["0.0", "0.1", "0.2"]),
        (_Compiled(), ["net.0", "net.1", "net.2"]),
    ],
)
def test_wrappers_and_compilers_are_looked_through(model: nn.Module, names: list[str]) -> None:
    source = capture(model, X)
    assert [node.name for node in source.nodes] == names
    assert torch.allclose(interpreter.run(source, X), _net()(X))


def _frozen(change: str) -> nn.Module:
    """A network with a batch norm whose own code decides in which mode it is."""

    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.layer, self.norm = nn.Linear(6, 5), nn.BatchNorm1d(5)
            with torch.no_grad():
                self.norm.running_mean.uniform_()
                self.norm.running_var.uniform_(0.5, 2)

        def train(self, mode: bool = True) -> nn.Module:
            if change == "neither":
                return self
            super().train(mode)
            self.norm.train(change == "train")
            return self

        def forward(self, x: Tensor) -> Tensor:
            norm, x = self.norm, self.layer(x)
            if change == "function":
                return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, training=False)
            return torch.relu(norm(x))

    return Frozen()


@pytest.mark.parametrize("change", ["eval", "function"])
def test_a_norm_that_its_network_holds_in_eval_mode_computes_with_its_statistics(change: str) -> None:
    model = _frozen(change).train()
    source = capture(model, X)
    assert torch.allclose(interpreter.run(source, X), model.eval()(X), atol=1e-6)


@pytest.mark.parametrize("change", ["train", "neither"])
def test_a_norm_that_its_network_holds_in_training_mode_is_no_function_of_a_sample(change: str) -> None:
    model = _frozen(change)
    with pytest.raises(UnsupportedModule, match=r"norm: a batch norm that stays in training mode, .* its batch"):
        capture(model.eval(), X)
    assert torch.equal(model.norm.running_mean, _frozen(change).norm.running_mean)


def test_frozen_as_in_detection() -> None:
    """Scale and shift from buffers, as torchvision's FrozenBatchNorm2d writes it."""

    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name in ("weight", "bias", "mean", "variance"):
                self.register_buffer(name, torch.rand(5) + 0.5)

        def forward(self, x: Tensor) -> Tensor:
            scale = self.weight * (self.variance + 1e-5).rsqrt()
            return x * scale + (self.bias - self.mean * scale)

    model = nn.Sequential(nn.Linear(6, 5), Frozen(), nn.ReLU()).train()
    assert torch.allclose(interpreter.run(capture(model, X), X), model(X), atol=1e-6)
