"""Exact conversion by hand, and its switches."""

import pytest
import torch
from torch import nn

import spikewright as sw
from conversion.methods import test_qcfs
from conversion.methods.hand import X, output, plain, seen, starts, thresholds, trained, trains
from spikewright.conversion.methods.exact import Exact
from spikewright.errors import BadSetting
from spikewright.measure.equality.certificate import verify
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.repeat import Repeat

CODES = [{"A": 3, "B": 1, "G": 1}, {"C": 2, "D": 1, "E": 0, "F": 3}]  # G = 1/8 is half a unit: it rounds up


def test_by_hand() -> None:
    """θ = ¾ and two bits: a unit is ¼, and the codes above are written in binary."""
    blueprint = Exact(timesteps=2)(trained(levels=3, threshold=0.75))
    expected = [{name: [code // 2, code % 2] for name, code in layer.items()} for layer in CODES]
    assert trains(blueprint) == expected
    assert output(blueprint) == [0.5, 0.25, 0, 0.75]
    assert starts(blueprint) == [0.5, 0.5]
    assert thresholds(blueprint) == [0.75, 0.75]
    assert isinstance(blueprint.plan.encoder, Graded)
    assert verify(blueprint, trained(levels=3, threshold=0.75), [X]).equal


def test_by_hand_without_left_shift() -> None:
    """Three spikes of one unit each in place of two bits; fired after the window, so as early as can be."""
    blueprint = Exact(timesteps=3, left_shift=False)(trained(levels=3, threshold=0.75))
    expected = [{name: [1] * code + [0] * (3 - code) for name, code in layer.items()} for layer in CODES]
    assert trains(blueprint) == expected


def test_by_hand_without_bias_shift() -> None:
    """C's ¼ arrives at both steps: it has a unit more, and code 3."""
    blueprint = Exact(timesteps=2, bias_shift=False)(trained(levels=3, threshold=0.75))
    assert trains(blueprint)[1] == {"C": [1, 1], "D": [0, 1], "E": [0, 0], "F": [1, 1]}


def test_by_hand_without_postponed_firing() -> None:
    """The image comes at once, in the first step; so does the most significant bit, in units of ¼."""
    blueprint = Exact(timesteps=2, postponed_firing=False)(trained(levels=3, threshold=0.75))
    first, second = trains(blueprint)
    assert first == {"A": [1, 1], "B": [0, 1], "G": [0, 1]}  # A: 7/2 ≥ 2, 3/2 ≥ 1; B: 3/2, then 1; G: 1
    # currents of A = 2, 1 and B = 0, 1, G = 0, 1 units, and C's bias of ½ a step
    # C: ½ + 1 + ½ = 2 fires, 0 + ½ − 1 + ½; D: 5/2 fires, ½ + 1 − 2; E: −3/2, −3/2 − 1 + 3; F: ½, 7/2 fires
    assert second == {"C": [1, 0], "D": [1, 0], "E": [0, 0], "F": [0, 1]}


def test_without_all_three_it_is_qcfs() -> None:
    blueprint = Exact(timesteps=4, left_shift=False, bias_shift=False, postponed_firing=False)(trained())
    assert trains(blueprint) == [test_qcfs.FIRST, test_qcfs.SECOND]
    assert blueprint.plan.encoder == Repeat(4)


def test_mixed_timesteps_by_hand() -> None:
    """θ = ¾: one bit is worth ¾, two ¼. A = ¾ and B = G = 0 are read; C = 5/8 is 2.5 units, a tie at 3."""
    blueprint = Exact(timesteps=(1, 2))(trained(levels=3, threshold=0.75))
    assert trains(blueprint) == [
        {"A": [1], "B": [0], "G": [0]},
        {"C": [1, 1], "D": [1, 1], "E": [0, 0], "F": [0, 0]},
    ]


def test_what_it_claims() -> None:
    switches = [(left, bias, wait) for left in (True, False) for bias in (True, False) for wait in (True, False)]
    exact = {
        (left, bias, wait)
        for left, bias, wait in switches
        if Exact(left_shift=left, bias_shift=bias, postponed_firing=wait).exact
    }
    assert exact == {(True, True, True), (False, True, True), (False, False, True)}
    x = torch.rand(40, 3, generator=torch.Generator().manual_seed(1))
    for left, bias, wait in switches:
        blueprint = Exact(timesteps=3, left_shift=left, bias_shift=bias, postponed_firing=wait)(trained())
        assert verify(blueprint, trained(), [x]).equal == ((left, bias, wait) in exact)


def test_statistics_are_needed_where_training_set_no_threshold() -> None:
    assert Exact().needs_statistics(plain())
    assert not Exact().needs_statistics(trained())
    assert Exact().calibrators == ()
    with pytest.raises(BadSetting, match="has no trained threshold"):
        Exact()(plain())
    assert len(Exact()(plain(), seen([1.0, 2.0], [3.0])).plan.stages) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timesteps": 0}, r"timesteps must be in 1\.\.16 for the exact method, got 0"),
        ({"timesteps": (4, 17)}, r"timesteps must be in 1\.\.16 for the exact method, got 17"),
        ({"timesteps": (4, 3), "postponed_firing": False}, "mixed timesteps need postponed_firing and bias_shift"),
        ({"timesteps": (4, 3), "bias_shift": False}, "mixed timesteps need postponed_firing and bias_shift"),
    ],
)
def test_refusals(settings: dict, message: str) -> None:
    with pytest.raises(BadSetting, match=message):
        Exact(**settings)


def test_as_many_timesteps_as_activations() -> None:
    with pytest.raises(BadSetting, match="timesteps gives 1 numbers, the source has 2 activations"):
        Exact(timesteps=(4,))(trained())


def test_a_threshold_a_channel_belongs_to_the_axis_of_channels() -> None:
    """Of tokens [N, tokens, features] that is the last: one threshold a feature, wherever a token stands.

    All numbers are dyadic, so that no sum is rounded and tokens may move: thresholds are the same to the bit.
    """
    generator = torch.Generator().manual_seed(4)

    def eighths(*shape: int) -> torch.Tensor:
        return torch.randint(-16, 17, shape, generator=generator) / 8

    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(eighths(*parameter.shape))
        scale = 2.0 ** torch.arange(-4, 1)
        model[0].weight.mul_(scale.unsqueeze(1))
        model[0].bias.mul_(scale)
    x = eighths(64, 3, 6)
    source = sw.capture(model.eval(), x[:2])
    network = sw.convert(source, x, method=Exact(timesteps=4, per_channel=True))
    first, second = network.blueprint.plan.stages
    assert (first.axis, second.axis) == (1, 1)
    chosen = network.blueprint.arrays[f"{first.name}.threshold"]
    assert chosen.shape == (1, 5)
    tops = torch.relu(model[0](x)).amax((0, 1))
    share = chosen.flatten() * 15 / tops
    assert bool((share <= 1.001).all()) and bool((share > 1 / 3).all()), "of each feature's own range"
    assert sw.verify(network, source, x).equal
    other = sw.convert(source, x[:, [2, 0, 1]], method=Exact(timesteps=4, per_channel=True))
    for stage in (first, second):
        name = f"{stage.name}.threshold"
        assert torch.equal(other.blueprint.arrays[name], network.blueprint.arrays[name])
