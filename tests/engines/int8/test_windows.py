"""Pools of bytes against PyTorch's on float64."""

import pytest
import torch
from torch.nn import functional as F

from spikewright.ann.ops.pools import AdaptiveAveragePool, AveragePool, MaxPool, Mean
from spikewright.engines.int8.terms import Form, Term, laid_out
from spikewright.engines.int8.windows import even_window, largest, sums

OPS = [
    AveragePool(kernel=(2, 2), stride=(2, 2), padding=(0, 0)),
    AveragePool(kernel=(3, 2), stride=(1, 2), padding=(1, 1)),
    AveragePool(kernel=(3, 3), stride=(2, 2), padding=(1, 1), ceil_mode=True, divisor=5),
    AdaptiveAveragePool(size=(2, 4)),
    AdaptiveAveragePool(size=(1, 1)),
    Mean(dims=(2, 3), keepdim=True),
    Mean(dims=(3, 2), keepdim=False),
]


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("batch", [1, 3])
def test_sums_are_means_times_their_divisor(op: AveragePool, batch: int) -> None:
    x = laid_out(torch.randint(0, 16, (batch, 5, 6, 8), dtype=torch.uint8))
    window = even_window(op, Form(shape=(5, 6, 8), terms=(Term(most=15),)))
    assert window is not None
    mean = op([x.double()])
    for dtype in (torch.uint8, torch.float32):
        if dtype is torch.uint8 and window.kernel[0] * window.kernel[1] * 15 > 255:
            continue
        found = sums(x, window, tuple(mean.shape[1:]), dtype)
        assert found.dtype == dtype
        assert torch.equal(found.double(), (mean * window.divisor).round())


def test_what_divides_unevenly_or_is_no_byte_is_left_alone() -> None:
    codes = Form(shape=(5, 6, 8), terms=(Term(most=15),))
    assert even_window(AveragePool(kernel=(2, 2), stride=(2, 2), padding=(0, 0), ceil_mode=True), codes) is None
    uncounted = AveragePool(kernel=(2, 2), stride=(2, 2), padding=(1, 1), count_include_pad=False)
    assert even_window(uncounted, codes) is None
    assert even_window(AdaptiveAveragePool(size=(4, 4)), codes) is None
    assert even_window(Mean(dims=(1,), keepdim=True), codes) is None
    assert even_window(OPS[0], Form(shape=(5, 6), terms=(Term(most=15),))) is None
    assert even_window(OPS[0], Form(shape=(5, 6, 8), terms=(Term(most=300, dtype=torch.float32),))) is None


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_largest(dtype: torch.dtype) -> None:
    x = laid_out(torch.randint(0, 256, (2, 3, 13, 14)).to(dtype))
    pool = MaxPool(kernel=(3, 2), stride=(2, 2), padding=(1, 1), dilation=(1, 1))
    expected = F.max_pool2d(x.double(), (3, 2), (2, 2), (1, 1))
    found = largest(x, pool, tuple(expected.shape[1:]))
    assert found.dtype == dtype
    assert torch.equal(found.double(), expected)
