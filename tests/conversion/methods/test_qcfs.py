"""QCFS by hand: v0 = θ/2, lockstep; and with averaging."""

import pytest
import torch

from conversion.methods.hand import histogram, output, plain, seen, starts, thresholds, trained, trains
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.thresholds import least_error_threshold
from spikewright.engines.network import build
from spikewright.errors import BadSetting
from spikewright.measure.equality.certificate import verify
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.repeat import Repeat

# A: ½ + ¾ = 5/4 fires, 1 fires (a tie), ¾ does not, 3/2 fires.  B: ¾, 1 fires, ¼, ½.  G: 5/8, 6/8, 7/8, 1 fires.
FIRST = {"A": [1, 1, 0, 1], "B": [0, 1, 0, 0], "G": [0, 0, 0, 1]}
SECOND = {
    "C": [1, 0, 0, 1],  # currents 3/4, −1/4, 1/4, 3/4
    "D": [1, 0, 0, 0],  # 1, −1, 0, 1
    "E": [0, 1, 0, 0],  # −1, 2, 0, −1: one spike too many, as the value is 0
    "F": [0, 0, 0, 1],  # 0, 0, 0, 3: two too few, as they come too late
}


def test_by_hand() -> None:
    blueprint = Qcfs(timesteps=4)(trained())
    assert trains(blueprint) == [FIRST, SECOND]
    assert output(blueprint) == [0.5, 0.25, 0.25, 0.25]
    assert starts(blueprint) == [0.5, 0.5]
    assert blueprint.plan.encoder == Repeat(4)


def test_by_hand_with_averaging() -> None:
    """Each neuron of the second layer receives the mean: C 3/8, D 1/4, E 0, F 3/4 at every step."""
    blueprint = Qcfs(timesteps=4, alignment="average")(trained())
    second = {"C": [0, 1, 0, 1], "D": [0, 1, 0, 0], "E": [0, 0, 0, 0], "F": [1, 1, 0, 1]}
    assert trains(blueprint) == [FIRST, second]
    assert output(blueprint) == [0.5, 0.25, 0, 0.75]
    assert isinstance(blueprint.plan.encoder, Graded)
    assert verify(blueprint, trained(), [torch.tensor([[0.75, 0.25, 0.125]])]).equal


def test_thresholds() -> None:
    assert thresholds(Qcfs(timesteps=3)(trained(levels=9, threshold=0.7))) == pytest.approx([0.7, 0.7])
    values = [[0.1, 0.4, 0.45, 0.9, 2.0, 0.0], [0.3, 0.2, 3.0]]
    found = thresholds(Qcfs(timesteps=3)(plain(), seen(*values)))
    assert found == pytest.approx([float(least_error_threshold(histogram(taken), 3)) for taken in values])


def test_exact_where_nothing_can_be_uneven() -> None:
    assert Qcfs(timesteps=1).exact
    assert Qcfs(timesteps=4, alignment="average").exact
    assert not Qcfs(timesteps=4).exact
    assert not Qcfs(timesteps=4, alignment="average,truncate").exact
    assert Qcfs().calibrators == ()
    assert not Qcfs().needs_statistics(trained())
    assert Qcfs().needs_statistics(plain())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timesteps": 0}, r"timesteps must be in 1\.\.65536, got 0"),
        ({"timesteps": 70000}, r"timesteps must be in 1\.\.65536, got 70000"),
        ({"alignment": "truncate"}, "truncate cannot expand"),
        ({"alignment": "nearest"}, "no alignment named 'nearest'"),
    ],
)
def test_refusals(settings: dict, message: str) -> None:
    with pytest.raises(BadSetting, match=message):
        Qcfs(**settings)


def test_thresholds_need_data_where_training_set_none() -> None:
    with pytest.raises(BadSetting, match="has no trained threshold: give calibration inputs"):
        Qcfs()(plain())


def test_any_t_goes_with_any_levels() -> None:
    for timesteps in (1, 2, 7):
        network = build(Qcfs(timesteps=timesteps, alignment="average")(trained(levels=5)), dtype=torch.float64)
        assert network.plan.stages[0].firing.code.levels == timesteps
