"""What a network is made of, counted by hand."""

import torch
from support.zoo import Net
from torch import nn
from torch.nn import functional as F

import spikewright as sw
from spikewright.measure.cost.inventory import inventory

X = torch.rand(6, 2, 6, 6, generator=torch.Generator().manual_seed(0))


def test_every_part_is_counted_once() -> None:
    torch.manual_seed(0)
    net = Net(
        lambda m, x: m.head(F.relu(m.b(m.narrow(F.relu(m.a(x))))).flatten(1)),
        a=nn.Conv2d(2, 4, 3),
        narrow=nn.Conv2d(4, 2, 1),  # a linear bottleneck: it passes numbers on
        b=nn.Conv2d(2, 3, 1),
        head=nn.Linear(48, 5),
    )
    found = inventory(sw.convert(net, X, method="exact", timesteps=2).blueprint)
    places = 4 * 4
    assert (found.stages, found.stages_by_law) == (2, {"integrate_fire": 2})
    assert (found.graded_nodes, found.graded_by_operation) == (0, {})
    first, second = places * 2 * 4 * 9, places * 2 * 3
    assert sorted(found.macs_by_node.values()) == sorted([first, second])
    assert found.macs_per_sample == first + second
    assert found.macs_dense_per_sample == first + places * 4 * 2 + second + 48 * 5
    assert found.nodes == 5  # and the flattening
    assert found.to_json()["stages_by_law"] == {"integrate_fire": 2}


def test_laws_are_told_apart() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(72, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    found = inventory(sw.convert(net, X, method="snm", timesteps=4).blueprint)
    assert found.stages_by_law == {"signed": 2}
