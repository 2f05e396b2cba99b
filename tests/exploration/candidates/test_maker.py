"""Weights of candidates are rounded as the settings say, and thresholds mended where they say so."""

from functools import cache

import pytest
import torch
from support.trained import classifier, digits

from spikewright.conversion.convert import convert
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.exploration.candidates.maker import stored
from spikewright.exploration.request.settings import WeightSettings
from spikewright.measure.samples import batches, prepared
from spikewright.snn.blueprint import Blueprint


@cache
def images() -> tuple[torch.Tensor, ...]:
    return tuple(x for x, _ in batches(prepared(digits().train, digits().preparation, limit=100)))


@cache
def network() -> Blueprint:
    return convert(classifier(), Qcfs(timesteps=4), images())


@pytest.mark.parametrize("per_channel", [False, True])
def test_weights_become_integers_of_so_many_bits(per_channel: bool) -> None:
    entry = stored(network(), 3, WeightSettings(per_channel=per_channel), ())
    for node in entry.plan.nodes:
        if node.weights is None:
            continue
        before, integers = network().arrays[f"{node.name}.weight"], entry.arrays[f"{node.name}.weight"]
        top = before.abs().amax(1, keepdim=True) if per_channel else before.abs().max()
        assert torch.equal(integers.double(), (before / (top / 3)).round().double())
    assert sum(node.weights is not None for node in entry.plan.nodes) == 3
    assert all(
        torch.equal(entry.arrays[f"{node.name}.threshold"], network().arrays[f"{node.name}.threshold"])
        for node in entry.plan.stages
    )


def test_mended_thresholds_bring_firing_back() -> None:
    plain, repaired = (
        stored(network(), 3, WeightSettings(repair_thresholds=repair), images()) for repair in (False, True)
    )

    def firing(blueprint: Blueprint) -> list[float]:
        runs = [
            record.codes for record in build(blueprint).collapse(torch.cat(images())) if isinstance(record, StageRecord)
        ]
        return [float(codes.mean()) for codes in runs]

    wanted = firing(network())
    off = [[abs(a / b - 1) for a, b in zip(firing(each), wanted, strict=True)] for each in (plain, repaired)]
    assert max(off[1]) < 0.02 < max(off[0])
