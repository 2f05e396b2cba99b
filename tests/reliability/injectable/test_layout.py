"""How values lie in memory, and picking from them."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.reliability.injectable.layout import laid_out, lanes, pick, pick_channels


@given(st.lists(st.integers(1, 4), min_size=3, max_size=5), st.integers(0, 99), st.data())
def test_picking_from_a_batch_and_from_channels(shape: list[int], seed: int, data: st.DataObject) -> None:
    value = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    laid = laid_out(value)
    assert torch.equal(laid, value)
    assert lanes(laid).data_ptr() == laid.data_ptr() if len(shape) == 3 else laid.is_contiguous()
    rows = torch.tensor(data.draw(st.lists(st.integers(0, shape[1] - 1), max_size=5)), dtype=torch.int64)
    channels = torch.tensor(data.draw(st.lists(st.integers(0, shape[2] - 1), max_size=5)), dtype=torch.int64)
    assert torch.equal(pick(laid, rows), value[:, rows])
    assert torch.equal(pick_channels(laid, channels), value[:, :, channels])
    assert pick(laid, None) is laid
    assert pick_channels(laid, None) is laid
    if rows.numel() and channels.numel():
        assert torch.equal(pick_channels(pick(laid, rows), channels), value[:, rows][:, :, channels])
