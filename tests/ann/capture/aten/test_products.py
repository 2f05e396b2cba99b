"""Matrix products, however they are written, against the module itself; those of two signals are refused."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.interpreter import run
from spikewright.ann.ops.products import Linear
from spikewright.errors import UnsupportedModule


class Written(nn.Module):
    """A product of one's own between two layers."""

    def __init__(self, product: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.second, self.product = nn.Linear(4, 6), nn.Linear(3, 2), product
        self.weight, self.shift = nn.Parameter(torch.randn(6, 3)), nn.Parameter(torch.randn(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.relu(self.product(torch.relu(self.first(x)), self.weight, self.shift)))


PRODUCTS = {
    "@": lambda x, w, b: x @ w + b,
    "matmul": lambda x, w, b: torch.matmul(x, w),
    "mm": lambda x, w, b: torch.mm(x, w) + b,
    "addmm": lambda x, w, b: torch.addmm(b, x, w),
    "linear": lambda x, w, b: nn.functional.linear(x, w.T, b),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_is_the_modules(name: str) -> None:
    torch.manual_seed(0)
    model, x = Written(PRODUCTS[name]).eval(), torch.randn(5, 4)
    source = capture(model, x)
    assert sum(isinstance(node.op, Linear) for node in source.nodes) == 3
    with torch.no_grad():
        torch.testing.assert_close(run(source, x), model(x))


@pytest.mark.parametrize(
    ("product", "words"),
    [
        (lambda x, w, b: torch.addmm(b, x, w, alpha=2), "alpha or beta"),
        (lambda x, w, b: torch.addmm(b, x, w, beta=2), "alpha or beta"),
        (lambda x, w, b: torch.addmm(x @ w, x, w), "added to a signal by addmm"),
    ],
)
def test_what_is_no_product_with_a_weight_is_refused(
    product: Callable[[Tensor, Tensor, Tensor], Tensor], words: str
) -> None:
    with pytest.raises(UnsupportedModule, match=words):
        capture(Written(product).eval(), torch.randn(5, 4))
