"""Accumulations a step of each activation: by hand, and against the exact count of the converted network."""

import pytest
import torch
from support.converted import converted
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.measure.cost.fan_out import fan_out
from spikewright.measure.cost.source_fan_out import accumulations_per_step, fired_shapes
from spikewright.measure.equality.quantised_source import activations_behind

ALIKE = [
    "mlp_batch_norm",
    "conv_bn_relu",
    "max_pool_shapes",
    "pooled_and_unpooled_readers",
    "inception",
    "resnet_option_a",
    "pre_activation_resnet",
    "densenet",
    "mobilenet_v2",
    "shufflenet",
    "conv_transposed_2d",
    "average_pools",
    "adaptive_average_pool_uneven",
    "averaged_at_the_end",
    "moves",
]


@pytest.mark.parametrize("name", ALIKE)
def test_the_sum_over_a_layer_is_that_of_its_spiking_stages(name: str) -> None:
    """No weight of these is zero and every batch norm is folded, so the two counts must agree."""
    blueprint, source, _ = converted(name)
    exact = fan_out(blueprint).accumulations
    behind = activations_behind(source)
    expected = {node.name: 0 for node in source.activations}
    for stage in blueprint.plan.stages:
        for activation in behind[stage.firing.carries]:
            expected[activation] += int(exact[stage.name].sum())
    assert accumulations_per_step(source) == expected


def test_by_hand() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3)
    )
    source = capture(model, torch.zeros(2, 1, 6, 6))
    assert accumulations_per_step(source) == {"1": 8 * 5, "5": 5 * 3}
    assert fired_shapes(source) == {"1": (2, 2, 2), "5": (5,)}


def test_only_a_pool_that_alone_reads_an_activation_fires_in_its_place() -> None:
    class Both(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            fired = torch.relu(x)
            return torch.cat([fired, nn.functional.max_pool2d(fired, 1)], 1)

    assert fired_shapes(capture(Both(), torch.zeros(2, 1, 4, 4))) == {"relu": (1, 4, 4)}


def test_a_map_between_an_activation_and_its_pool_stands_behind_both() -> None:
    pooled = nn.Sequential(nn.ReLU(), nn.BatchNorm2d(1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4, 2))
    linear = nn.Sequential(nn.ReLU(), nn.Conv2d(1, 1, 1), nn.MaxPool2d(2), nn.ReLU())
    assert fired_shapes(capture(pooled.eval(), torch.zeros(2, 1, 4, 4))) == {"0": (1, 2, 2)}
    assert fired_shapes(capture(linear.eval(), torch.zeros(2, 1, 4, 4))) == {"0": (1, 4, 4), "3": (1, 2, 2)}
