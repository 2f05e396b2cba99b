"""QAC by hand: two layers of different length, aligned; learned timesteps and their multiples."""

import pytest
import torch

from conversion.methods.hand import X, output, plain, seen, starts, thresholds, trained, trains
from spikewright.conversion.methods.qac import Qac
from spikewright.errors import BadSetting
from spikewright.measure.equality.certificate import verify
from spikewright.snn.alignments.average import Average
from spikewright.snn.alignments.replicate import Replicate
from spikewright.training.ann.levels import with_levels

# T = 2 and θ = 1.  A: ½ + ¾ fires, 1 fires.  B: ¾, 1 fires.  G: 5/8, ¾.
FIRST = {"A": [1, 1], "B": [0, 1], "G": [0, 0]}


def test_by_hand_with_averaging() -> None:
    """A is read as 1, B as ½: C receives ¼, D 0 and E ½ at each of four steps."""
    blueprint = Qac(timesteps=(2, 4))(trained())
    assert trains(blueprint) == [FIRST, {"C": [0, 1, 0, 0], "D": [0] * 4, "E": [1, 0, 1, 0], "F": [0] * 4}]
    assert output(blueprint) == [0.25, 0, 0.5, 0]
    assert blueprint.plan.nodes[1].edges[0].alignment == Average(4)
    assert verify(blueprint, trained(), [X]).equal


def test_by_hand_with_replication() -> None:
    """Each step twice: C receives 3/4, 3/4, −1/4, −1/4; D 1, 1, −1, −1; E −1, −1, 2, 2, which ends at 5/2."""
    blueprint = Qac(timesteps=(2, 4), alignment="replicate")(trained())
    assert trains(blueprint) == [FIRST, {"C": [1, 1, 0, 0], "D": [1, 1, 0, 0], "E": [0, 0, 0, 1], "F": [0] * 4}]
    assert blueprint.plan.nodes[1].edges[0].alignment == Replicate(4)


def test_by_hand_with_truncation() -> None:
    """Of A's [1, 1, 0, 1] and B's [0, 1, 0, 0] the first two: C receives 3/4, −1/4; D 1, −1; E −1, 2."""
    blueprint = Qac(timesteps=(4, 2), alignment="average,truncate")(trained())
    assert trains(blueprint)[1] == {"C": [1, 0], "D": [1, 0], "E": [0, 1], "F": [0, 0]}
    assert output(blueprint) == [0.5, 0.5, 0.5, 0]


def test_learned_timesteps_and_their_multiples() -> None:
    """T → kT equals the source with k times the levels."""
    first, second = (node.name for node in plain().activations)
    source = with_levels(plain(), {first: 3, second: 5}, {first: 0.7, second: 0.6})
    for scale in (1, 2, 6):
        blueprint = Qac(scale=scale)(source)
        assert [node.firing.code.timesteps for node in blueprint.plan.stages] == [3 * scale, 5 * scale]
        assert thresholds(blueprint) == pytest.approx([0.7, 0.6])
        assert starts(blueprint) == [0.5, 0.5]
        finer = with_levels(plain(), {first: 3 * scale, second: 5 * scale}, {first: 0.7, second: 0.6})
        x = torch.rand(50, 3, generator=torch.Generator().manual_seed(0))
        certificate = verify(blueprint, finer, [x])
        assert certificate.equal
        assert certificate.reference == "the source as trained"


def test_given_timesteps_go_before_learned_ones() -> None:
    stages = Qac(timesteps=(2, 7), scale=3)(trained(levels=4)).plan.stages
    assert [node.firing.code.timesteps for node in stages] == [6, 21]


def test_what_it_claims_and_needs() -> None:
    assert Qac().exact
    assert not Qac(alignment="replicate").exact
    assert not Qac(alignment="replicate,average").exact
    assert not Qac().needs_statistics(trained())
    assert Qac().needs_statistics(plain())
    assert Qac().calibrators == ()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timesteps": 0}, r"timesteps must be in 1\.\.65536, got 0"),
        ({"timesteps": (3, 0)}, r"timesteps must be in 1\.\.65536, got 0"),
        ({"scale": 0}, "scale must be at least 1, got 0"),
        ({"alignment": "truncate"}, "truncate cannot expand"),
    ],
)
def test_settings_refused(settings: dict, message: str) -> None:
    with pytest.raises(BadSetting, match=message):
        Qac(**settings)


def test_sources_refused() -> None:
    with pytest.raises(BadSetting, match="has learned no timesteps: give timesteps, or train the source with"):
        Qac()(plain(), seen([1.0], [1.0]))
    with pytest.raises(
        BadSetting, match=r"timesteps gives 3 numbers, the source has 2 activations .*: give one for all"
    ):
        Qac(timesteps=(1, 2, 3))(trained())
    with pytest.raises(BadSetting, match="has no trained threshold"):
        Qac(timesteps=3)(plain())
    with pytest.raises(BadSetting, match=r"timesteps must be in 1\.\.65536, got 120000"):
        Qac(timesteps=40000, scale=3)(trained())
