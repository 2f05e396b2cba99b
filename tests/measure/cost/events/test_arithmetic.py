"""What an event pays at sums and scales, element by element, counted by hand."""

import pytest
import torch
from torch import Tensor

from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.measure.cost.events import Reading
from spikewright.measure.cost.fan_out import EVENTS

LATER = torch.tensor([[5.0, 7.0, 11.0], [2.0, 3.0, 13.0]]).double()
GRADED = torch.tensor([[False, True, False], [True, False, False]])
WEIGHT = torch.tensor([[0.5, 0.0, 2.0], [0.25, -1.0, 0.0]])


def _costs(op: Add | Scale, *given: tuple[int, ...], **known: object) -> list[Tensor]:
    return EVENTS[op](Reading(op, list(given), (2, 3), LATER, **known))  # pyright: ignore[reportArgumentType]


def test_a_sum_passes_spikes_on_from_each_of_its_inputs() -> None:
    for known in ({"graded": torch.zeros(2, 3, dtype=torch.bool)}, {"graded": GRADED}):
        once, across = _costs(Add(), (2, 3), (2, 1), **known)
        paid = torch.where(known["graded"], 1.0, LATER)
        assert once.tolist() == paid.tolist()
        assert across.tolist() == paid.sum(1, keepdim=True).tolist(), "an element that is added to three pays for each"


def test_a_sum_that_is_added_up_right_behind_is_one_accumulation() -> None:
    for known in ({"accumulates": True, "graded": GRADED}, {}):
        once, across = _costs(Add(), (2, 3), (2, 1), **known)
        assert once.tolist() == [[1, 1, 1], [1, 1, 1]] and across.tolist() == [[3], [3]]


def test_a_scale_that_folds_away_passes_on() -> None:
    (found,) = _costs(Scale(), (2, 3), weight=WEIGHT, scale_folds=True, graded=GRADED)
    assert found.tolist() == LATER.tolist()
    (found,) = _costs(Scale(), (2, 1), weight=WEIGHT, scale_folds=True)
    assert found.tolist() == [[23], [18]]


@pytest.mark.parametrize("known", [{"accumulates": True, "graded": GRADED}, {}])
def test_a_scale_is_an_accumulation_for_each_weight_but_zero(known: dict[str, object]) -> None:
    (found,) = _costs(Scale(), (2, 3), weight=WEIGHT, **known)
    assert found.tolist() == [[1, 0, 1], [1, 1, 0]]


def test_a_scale_passes_spikes_on_and_pays_once_for_a_number() -> None:
    (found,) = _costs(Scale(), (2, 3), weight=WEIGHT, graded=GRADED)
    assert found.tolist() == [[5, 0, 11], [1, 3, 0]]
    (found,) = _costs(Scale(), (2, 1), weight=WEIGHT, graded=GRADED)
    assert found.tolist() == [[16], [4]]
