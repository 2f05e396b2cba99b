"""What an event pays at a mean: by hand, window by window, where its result is spikes' and where it is numbers."""

import torch

from spikewright.ann.ops.pools import AveragePool, MaxPool
from spikewright.measure.cost.events import Reading
from spikewright.measure.cost.fan_out import EVENTS

# windows {0,1}, {1,2}, {2,3} of four places
OP = AveragePool(kernel=(2,), stride=(1,), padding=(0,))
LATER = torch.tensor([[5.0, 7.0, 11.0]]).double()


def _costs(**known: object) -> list[float]:
    (found,) = EVENTS[OP](Reading(OP, [(1, 4)], (1, 3), LATER, **known))  # pyright: ignore[reportArgumentType]
    return found[0].tolist()


def test_each_place_pays_what_its_windows_pay_later() -> None:
    assert _costs() == [5, 5 + 7, 7 + 11, 11]
    assert _costs(graded=torch.zeros(1, 3, dtype=torch.bool)) == [5, 12, 18, 11]


def test_a_window_with_numbers_in_it_is_one_accumulation_as_what_follows_multiplies() -> None:
    assert _costs(graded=torch.tensor([[False, True, False]])) == [5, 5 + 1, 1 + 11, 11]
    assert _costs(graded=torch.ones(1, 3, dtype=torch.bool)) == [1, 2, 2, 1]


def test_a_mean_that_is_added_up_right_behind_is_one_accumulation_a_window() -> None:
    assert _costs(accumulates=True, graded=torch.zeros(1, 3, dtype=torch.bool)) == [1, 2, 2, 1]


def test_one_of_a_max_pools_window_passes_so_its_price_is_shared() -> None:
    op = MaxPool(kernel=(2,), stride=(2,), padding=(0,), dilation=(1,))
    (found,) = EVENTS[op](Reading(op, [(1, 4)], (1, 2), torch.tensor([[6.0, 2.0]]).double()))
    assert found[0].tolist() == [2, 2, 2, 2]
