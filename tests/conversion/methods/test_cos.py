"""COS by hand: v0 moves by just enough to lose or gain a spike; and what many rounds come to."""

import pytest
import torch
from support.converted import captured

from conversion.methods import test_qcfs
from conversion.methods.hand import output, trained, trains
from spikewright.conversion.methods.cos import Cos
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.errors import BadSetting
from spikewright.measure.equality.certificate import verify
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.schedules.corrected import Corrected


@pytest.mark.parametrize(
    ("rounds", "late"),
    [
        (1, [1, 0, 0, 1]),  # v0 = 1 and a little more
        (2, [1, 1, 0, 1]),  # v0 = 2 and a little more
        (3, [1, 1, 0, 1]),  # three spikes are what 3/4 is worth
    ],
)
def test_by_hand(rounds: int, late: list[int]) -> None:
    """E ends at −½ with a spike to lose; its running total reaches 3/2, so v0 falls below 0. F ends at 5/2."""
    second = {**test_qcfs.SECOND, "E": [0, 0, 0, 0], "F": late}
    expected = [{name: twice + twice for name, twice in layer.items()} for layer in (test_qcfs.FIRST, second)]
    blueprint = Cos(timesteps=4, warmup=4, rounds=rounds)(trained())
    assert trains(blueprint) == expected
    assert output(blueprint) == [0.5, 0.25, 0, 0.25 * sum(late)]


@pytest.mark.parametrize("model", ["bn_after_max_pool", "resnet", "trained_levels"])
def test_with_a_warm_up_of_t_and_rounds_enough_it_is_equal_to_the_quantised_source(model: str) -> None:
    """The input is constant, so the window repeats the warm-up; each round brings every count one closer."""
    source, x, statistics = captured(model)
    methods = [Qcfs(timesteps=4), *(Cos(timesteps=4, warmup=4, rounds=rounds) for rounds in (1, 4))]
    uncorrected, once, often = (verify(method(source, statistics), source, [x]).mismatched_codes for method in methods)
    assert uncorrected > 10 * once
    assert often == 0


def test_the_warm_up_it_takes() -> None:
    assert Cos(timesteps=3)(trained()).plan.encoder == Repeat(3, 3)
    assert Cos(timesteps=32)(trained()).plan.encoder == Repeat(32, 8)
    blueprint = Cos(timesteps=3, warmup=5, rounds=2)(trained())
    assert blueprint.plan.encoder == Repeat(3, 5)
    assert {node.firing.schedule for node in blueprint.plan.stages} == {Corrected(2)}
    assert not Cos().exact


def test_refusals() -> None:
    with pytest.raises(BadSetting, match="warmup must be at least 1, got 0: cos corrects by it"):
        Cos(warmup=0)
    with pytest.raises(BadSetting, match="at least 1 round, got 0"):
        Cos(rounds=0)


def test_float32_finds_the_same() -> None:
    source, x, statistics = captured("conv_bn_relu")
    blueprint = Cos(timesteps=4)(source, statistics)
    single, double = build(blueprint), build(blueprint, dtype=torch.float64)
    differing = total = 0
    for one, other in zip(single.walk(x), double.walk(x.double()), strict=True):
        if isinstance(one, StageRecord):
            differing += int((one.codes.double() != other.codes).sum())
            total += one.codes.numel()
    assert differing <= total // 1000
