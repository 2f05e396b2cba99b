"""The widths of TOP0 to TOP4."""

import pytest
from torch import nn

from spikewright.models.mlp import MODELS

WIDTHS = {
    "top0": [784, 32, 10],
    "top1": [784, 64, 32, 10],
    "top2": [784, 128, 64, 10],
    "top3": [784, 128, 64, 64, 32, 10],
    "top4": [784, 512, 256, 256, 128, 10],
}


@pytest.mark.parametrize("factory", MODELS, ids=lambda factory: factory.__name__)
def test_widths_biases_and_relus(factory) -> None:  # type: ignore[no-untyped-def]
    model = factory(channels=1, size=(28, 28), classes=10)
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    assert [linears[0].in_features, *(linear.out_features for linear in linears)] == WIDTHS[factory.__name__]
    assert all(linear.bias is not None for linear in linears)
    assert sum(isinstance(module, nn.ReLU) for module in model.modules()) == len(linears) - 1
    assert not isinstance(list(model.children())[-1], nn.ReLU)
