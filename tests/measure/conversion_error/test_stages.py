"""Errors by stage: the parts add up to what the network emits too little, and each vanishes where it must."""

import pytest
import torch
from support.converted import captured
from support.windows import largest_or_least

from spikewright.ann import interpreter
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.methods.max_norm import MaxNorm
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.errors import BadData
from spikewright.measure.conversion_error.stages import stage_errors


@pytest.mark.parametrize("name", ["mlp", "conv_bn_relu", "resnet", "average_pools", "max_pool_1d_behind_a_norm"])
def test_totals_are_those_of_the_values(name: str) -> None:
    source, x, statistics = captured(name)
    blueprint = Qcfs(timesteps=4)(source, statistics)
    found = stage_errors(blueprint, source, [x[:3], x[3:]] if len(x) > 3 else [x])
    wanted: dict[str, torch.Tensor] = {}
    arrays = {key: array.double() for key, array in source.arrays.items()}
    interpreter.run(source, x.double(), arrays=arrays, watch=lambda node, value: wanted.update({node.name: value}))
    for record in build(blueprint, dtype=torch.float64).walk(x.double()):
        if isinstance(record, StageRecord):
            amplitude = blueprint.arrays[f"{record.node.name}.amplitude"].double()
            carried = wanted[record.firing.carries]
            if name == "max_pool_1d_behind_a_norm":
                carried = largest_or_least(carried, record.codes.shape[-1])
            short = (carried - record.codes * amplitude).mean()
            assert found[record.node.name]["total"].mean == pytest.approx(float(short), rel=1e-9, abs=1e-12)


def test_postponed_firing_has_no_unevenness_and_half_a_unit_no_offset() -> None:
    source, x, statistics = captured("resnet")
    for figures in stage_errors(Exact(timesteps=3)(source, statistics), source, [x]).values():
        assert figures["unevenness"].magnitude_mean == figures["offset"].magnitude_mean == 0
    lockstep = stage_errors(Qcfs(timesteps=4)(source, statistics), source, [x])
    assert sum(figures["unevenness"].affected_share for figures in lockstep.values()) > 0
    averaged = stage_errors(Qcfs(timesteps=4, alignment="average")(source, statistics), source, [x])
    assert all(figures["unevenness"].affected_share == 0 for figures in averaged.values())
    from_zero = stage_errors(MaxNorm(timesteps=4)(source, statistics), source, [x])
    assert any(figures["offset"].mean > 0 for figures in from_zero.values())


def test_no_inputs() -> None:
    source, _, statistics = captured("mlp")
    with pytest.raises(BadData, match="at least one input"):
        stage_errors(Qcfs(timesteps=2)(source, statistics), source, [])
