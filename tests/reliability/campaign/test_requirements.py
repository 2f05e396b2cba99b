"""Requirements on the mean accuracy, against Student's t written out with scipy."""

import numpy as np
import pytest
from scipy import stats

from spikewright.errors import BadSetting
from spikewright.measure.statistics.decisions import WAYS, Verdict
from spikewright.reliability.campaign.outcomes import Outcome
from spikewright.reliability.campaign.requirements import (
    LeastAccuracy,
    LeastReliability,
    MostLoss,
    Requirement,
    Requirements,
    together,
)
from spikewright.reliability.campaign.rows import Row, row_of

GOLDEN, IMAGES, MAPS = 0.9, 1000, 120


def maps(mean: float) -> Row:
    right = np.random.default_rng(3).binomial(IMAGES, mean, MAPS)
    outcomes = [Outcome(right=int(one)) for one in right]
    return row_of("model", outcomes, bits=8, images=IMAGES, golden=GOLDEN, level=0.95, cap=None)


def ends(row: Row) -> tuple[float, float]:
    """The interval of the mean at the one look of a plan of 120 maps: α/(1·2) of errors."""
    values = row.accuracies
    reach = stats.t.ppf(1 - 0.05 / 2 / 2, MAPS - 1) * stats.sem(values)
    return values.mean() - reach, values.mean() + reach


@pytest.mark.parametrize("mean", [0.82, 0.85, 0.88])
@pytest.mark.parametrize(
    ("requirement", "least"),
    [(LeastAccuracy(0.85), 0.85), (LeastReliability(0.95), 0.95 * GOLDEN), (MostLoss(0.04), GOLDEN - 0.04)],
)
def test_a_requirement_is_decided_by_the_interval_of_the_mean(
    mean: float, requirement: Requirement, least: float
) -> None:
    row = maps(mean)
    low, high = ends(row)
    wanted = "PASS" if low >= least else "FAIL" if high < least else "UNDECIDED"
    asked = Requirements(all_of=(requirement,), way=WAYS["normal"], cap=MAPS, level=0.95)
    (made,) = (met.to_json() for met in asked.of([row]))
    assert made["verdict"] == wanted
    assert (made["low"], made["high"], made["accuracy_least"]) == pytest.approx((low, high, least))
    assert (made["maps"], made["stratum"], made["requirement"]) == (MAPS, "model", requirement.words)


def test_all_of_them_in_every_part() -> None:
    asked = Requirements(all_of=(LeastAccuracy(0.5), MostLoss(0.01)), way=WAYS["strict"], cap=MAPS, level=0.95)
    met = asked.of([maps(0.89), maps(0.5)])
    assert len(met) == 4
    assert [one.decision.verdict for one in met][3] is Verdict.FAIL
    assert together([one.decision.verdict for one in met]) is Verdict.FAIL


def test_the_worst_verdict_is_that_of_all() -> None:
    passed, failed, open_ = Verdict.PASS, Verdict.FAIL, Verdict.UNDECIDED
    assert together([]) is None
    assert together([passed, passed]) is passed
    assert together([passed, open_]) is open_
    assert together([open_, failed, passed]) is failed


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", [LeastAccuracy, LeastReliability])
def test_shares_that_cannot_be_required(kind: type[LeastAccuracy], share: float) -> None:
    with pytest.raises(BadSetting, match="give a share above 0"):
        kind(share)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_losses_that_cannot_be_required(share: float) -> None:
    with pytest.raises(BadSetting, match="give 0 or more, and below 100"):
        MostLoss(share)
