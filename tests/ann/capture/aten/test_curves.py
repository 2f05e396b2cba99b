"""Activations that are no ReLU are captured as what torch computes; a gate of its own input is one activation."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.ann.ops.curves import Curve
from spikewright.errors import UnsupportedModule


class Act(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.first, self.function, self.last = nn.Linear(6, 8), function, nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.function(self.first(x)))


SLOPES = torch.tensor([-0.5, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
CASES = {
    "gelu": (F.gelu, "gelu"),
    "gelu_tanh": (lambda z: F.gelu(z, approximate="tanh"), "gelu_tanh"),
    "silu": (F.silu, "silu"),
    "silu_by_hand": (lambda z: z * torch.sigmoid(z), "silu"),
    "silu_by_hand_turned": (lambda z: torch.sigmoid(z).mul(z), "silu"),
    "hardswish": (F.hardswish, "hardswish"),
    "hardswish_by_hand": (lambda z: z * F.hardsigmoid(z), "hardswish"),
    "mish": (F.mish, "mish"),
    "sigmoid": (torch.sigmoid, "sigmoid"),
    "hardsigmoid": (F.hardsigmoid, "hardsigmoid"),
    "tanh": (torch.tanh, "tanh"),
    "softplus": (lambda z: F.softplus(z, 2.0, 5.0), "softplus"),
    "elu": (lambda z: F.elu(z, 0.7), "elu"),
    "selu": (F.selu, "elu"),
    "celu": (lambda z: F.celu(z, 0.7), "elu"),
    "leaky_relu": (lambda z: F.leaky_relu(z, 0.1), "prelu"),
    "negative_slope": (lambda z: F.leaky_relu(z, -0.1), "prelu"),
    "prelu": (lambda z: F.prelu(z, SLOPES), "prelu"),
    "threshold": (lambda z: F.threshold(z, 0.25, -0.5), "threshold"),
    "abs": (torch.abs, "abs"),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_captured_as_one_activation_that_computes_the_same(name: str) -> None:
    torch.manual_seed(0)
    function, expected = CASES[name]
    model, x = Act(function).eval(), torch.randn(64, 6) * 3
    source = capture(model, x[:2])
    (activation,) = source.activations
    assert isinstance(activation.op, Curve)
    assert activation.op.function == expected
    torch.testing.assert_close(interpreter.run(source, x), model(x))
    with torch.no_grad():
        z = x.double() @ model.first.weight.double().T + model.first.bias.double()
        slope = source.array(activation, "slope")
        own = activation.op.evaluate(z, None if slope is None else slope.double())
        wanted = function(z) if name != "prelu" else F.prelu(z, SLOPES.double())
    torch.testing.assert_close(own, wanted, rtol=1e-7 if "slope" in name or "leaky" in name else 1e-14, atol=1e-14)


def test_codes_have_a_sign_only_where_there_is_no_least_value() -> None:
    signs = {}
    for name, (function, _) in CASES.items():
        source = capture(Act(function).eval(), torch.randn(2, 6))
        op = source.activations[0].op
        assert isinstance(op, Curve)
        signs[name] = op.signed
    assert {name for name, signed in signs.items() if signed} == {"leaky_relu", "prelu"}


def test_a_sigmoid_that_does_not_gate_its_own_input_stays() -> None:
    source = capture(Act(lambda z: torch.sigmoid(z) + F.relu(z)).eval(), torch.randn(2, 6))
    assert [type(node.op).__name__ for node in source.activations] == ["Curve", "Activation"]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda z: F.threshold(z, 0.1, 0.5), "jumps down"),
        (lambda z: F.softplus(z, -1.0), "beta -1"),
        (lambda z: F.elu(z, -0.5), "negative parameter"),
    ],
)
def test_refusals(function, words: str) -> None:
    with pytest.raises(UnsupportedModule, match=words):
        capture(Act(function).eval(), torch.randn(2, 6))
