"""Which axis is that of channels."""

import torch
from torch import nn

import spikewright as sw
from spikewright.ann.channels import by_channel, channel_axes


class Tokens(nn.Module):
    """An image in patches, each mapped by the same layers: [N, 3, 8, 8] → [N, 4, 5, 2] → … → [N, 6]."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 5, 4, stride=4)
        self.first, self.second = nn.Linear(5, 7), nn.Linear(7, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x)  # [N, 5, 2, 2]
        x = x.flatten(2).permute(0, 2, 1)  # [N, 4, 5]
        x = torch.relu(self.first(x))  # [N, 4, 7]
        return self.second(x.mean(1))


def test_axes_follow_what_moves_values() -> None:
    source = sw.capture(Tokens().eval(), torch.rand(2, 3, 8, 8))
    axes = channel_axes(source.nodes, source.value_shapes)
    found = [(node.op.kind, node.shape, axes[node.name]) for node in source.nodes]
    assert found == [
        ("conv", (5, 2, 2), 0),
        ("reshape", (5, 4), 0),
        ("permute", (4, 5), 1),
        ("linear", (4, 7), 1),
        ("activation", (4, 7), 1),
        ("mean", (7,), 0),
        ("linear", (6,), 0),
    ]


def test_one_number_a_channel_broadcasts() -> None:
    assert by_channel(5, 1, 3) == (1, 5, 1) and by_channel(5, 0, 1) == (5,) and by_channel(5, 0, 0) == ()
    assert torch.equal((torch.zeros(4, 5) + torch.arange(5.0).reshape(by_channel(5, 1, 2)))[2], torch.arange(5.0))


def test_features_that_are_pooled_over_are_no_channels() -> None:
    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(6, 12), nn.Linear(18, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(nn.functional.max_pool1d(torch.relu(self.first(x)), 2).flatten(1))

    source = sw.capture(Pooled().eval(), torch.rand(2, 3, 6))
    axes = channel_axes(source.nodes, source.value_shapes)
    assert [(node.op.kind, axes[node.name]) for node in source.nodes[:3]] == [
        ("linear", 0),
        ("activation", 0),
        ("max_pool", 0),
    ]
    x = torch.rand(20, 3, 6)
    network = sw.convert(source, x, method=sw.methods.Exact(timesteps=3, per_channel=True))
    assert network.blueprint.plan.stages[0].axis == 0 and sw.verify(network, source, x).equal
