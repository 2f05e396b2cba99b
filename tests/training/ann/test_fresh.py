"""New weights: nothing of the old ones, the distributions that are promised, and the same ones by seed."""

from functools import cache

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.training.ann.fresh import fresh


def net() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(4, 64, 3, groups=2), nn.BatchNorm2d(64), nn.ReLU(), nn.ConvTranspose2d(64, 32, 3), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 36, 50), nn.ReLU(), nn.Linear(50, 10),
        )  # fmt: skip
        norm = model[1]
        assert isinstance(norm, nn.BatchNorm2d)
        norm.running_mean += 3  # pyright: ignore[reportOperatorIssue]
        nn.init.constant_(norm.weight, 2.0)
        for module in model:
            for parameter in module.parameters():
                parameter.data += 5
    return model.eval()


@cache
def source() -> Source:
    return capture(net(), torch.rand(2, 4, 6, 6))


def test_weights_have_the_spread_that_is_promised() -> None:
    stored = fresh(source(), seed=1)
    kinds = {
        (node.op.kind, getattr(node.op, "transposed", False)): {role: stored.arrays[name] for role, name in node.arrays}
        for node in stored.nodes
    }
    convolution = kinds["conv", False]
    assert abs(float(convolution["weight"].std()) / (2 / (64 * 9 / 2)) ** 0.5 - 1) < 0.1  # two groups
    transposed = kinds["conv", True]
    assert abs(float(transposed["weight"].std()) / (2 / (32 * 9)) ** 0.5 - 1) < 0.1
    assert float(transposed["bias"].abs().max()) <= 1 / (64 * 9) ** 0.5
    linear = kinds["linear", False]  # the last one
    reach = 1 / 50**0.5
    assert float(linear["weight"].abs().max()) <= reach
    assert abs(float(linear["weight"].std()) / (reach / 3**0.5) - 1) < 0.1
    norm = kinds["batch_norm", False]
    assert {role: sorted(set(array.flatten().tolist())) for role, array in norm.items()} == {
        "weight": [1.0], "bias": [0.0], "mean": [0.0], "variance": [1.0],
    }  # fmt: skip


@given(seed=st.integers(0, 2**31))
def test_seeds_tell_draws_apart_and_nothing_else_changes(seed: int) -> None:
    before = {name: array.clone() for name, array in source().arrays.items()}
    state = torch.random.get_rng_state()
    first, again, other = fresh(source(), seed=seed), fresh(source(), seed=seed), fresh(source(), seed=seed + 1)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert first.nodes == source().nodes
    for name, array in first.arrays.items():
        assert array.shape == source().arrays[name].shape
        assert array.dtype == source().arrays[name].dtype
        assert torch.equal(array, again.arrays[name])
        assert torch.equal(before[name], source().arrays[name])
    weights = [dict(node.arrays)["weight"] for node in source().nodes if node.op.kind in ("conv", "linear")]
    assert all(not torch.equal(first.arrays[name], other.arrays[name]) for name in weights)


def test_a_shared_weight_is_drawn_once() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 6)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(torch.relu(self.layer(x)))

    stored = fresh(capture(Shared().eval(), torch.rand(2, 6)), seed=3)
    assert len(stored.arrays) == 2
    used = [dict(node.arrays)["weight"] for node in stored.nodes if node.op.kind == "linear"]
    assert used[0] == used[1]
