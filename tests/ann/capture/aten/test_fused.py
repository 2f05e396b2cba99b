"""Operations that are several in one, against torch's own."""

import pytest
import torch
from support.zoo import Net
from torch import nn
from torch.nn import functional as F

from spikewright.ann import interpreter
from spikewright.ann.capture.aten.translations import translations
from spikewright.ann.capture.capture import capture
from spikewright.errors import UnsupportedModule

X = torch.randn(4, 5, 6, generator=torch.Generator().manual_seed(0))

SUMS = {
    "a_constant_and_a_scaled_signal": lambda m, x: torch.addcmul(m.b, m.k, F.relu(m.l(x)), value=0.5),
    "a_signal_and_two_constants": lambda m, x: torch.addcmul(m.l(x), m.k, m.b),
    "a_quotient": lambda m, x: torch.addcdiv(m.b, F.relu(m.l(x)), m.k + 1, value=-2),
    "a_quotient_of_constants": lambda m, x: torch.addcdiv(m.l(x), m.b, m.k + 1),
    "two_signals": lambda m, x: torch.addcmul(m.l(x), m.k, F.relu(m.l(x))),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_with_a_product(name: str) -> None:
    torch.manual_seed(0)
    net = Net(SUMS[name], l=nn.Linear(6, 12), k=nn.Parameter(torch.rand(12)), b=nn.Parameter(torch.rand(1, 5, 12)))
    assert torch.allclose(interpreter.run(capture(net, X), X), net(X), atol=1e-5)


def _attend(**how):
    def forward(m, x):
        query, key, value = (part(x).reshape(x.shape[0], 5, 2, 3).transpose(1, 2) for part in (m.q, m.k, m.v))
        return F.scaled_dot_product_attention(query, key, value, **how).transpose(1, 2).flatten(2)

    torch.manual_seed(0)
    return Net(forward, q=nn.Linear(6, 6), k=nn.Linear(6, 6), v=nn.Linear(6, 6))


@pytest.mark.skipif("softmax" not in translations(), reason="products of two signals are not captured")
@pytest.mark.parametrize(
    "how", [{}, {"scale": 0.3}, {"attn_mask": torch.rand(5, 5)}, {"attn_mask": torch.ones(5, 5) > 0}]
)
def test_attention(how) -> None:
    net = _attend(**how)
    assert torch.allclose(interpreter.run(capture(net, X), X), net(X), atol=1e-5)


@pytest.mark.parametrize("how", [{"is_causal": True}, {"attn_mask": torch.ones(5, 5, dtype=torch.bool).tril()}])
def test_attention_that_leaves_places_out_is_refused(how) -> None:
    with pytest.raises(UnsupportedModule):
        capture(_attend(**how), X)
