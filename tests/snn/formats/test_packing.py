"""Packed bytes against a slow reading of the definition with one Python integer as the stream of bits."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.errors import BadFile, BadSetting
from spikewright.snn.formats.packing import pack, packed_size, unpack


def slow_bytes(values: list[int], bits: int) -> list[int]:
    stream = 0
    for index, value in enumerate(values):
        field = (value + 1) // 2 if bits == 1 else value % 2**bits
        stream |= field << (index * bits)
    return list(stream.to_bytes(math.ceil(len(values) * bits / 8), "little"))


@st.composite
def stored(draw: st.DrawFn) -> tuple[list[int], int]:
    bits = draw(st.integers(1, 16))
    one = st.sampled_from([-1, 1]) if bits == 1 else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return draw(st.lists(one, max_size=40)), bits


@given(stored(), st.sampled_from([torch.int8, torch.int16, torch.int32, torch.int64]))
def test_bytes_and_back(case: tuple[list[int], int], dtype: torch.dtype) -> None:
    values, bits = case
    if bits > torch.iinfo(dtype).bits:
        dtype = torch.int64
    packed = pack(torch.tensor(values, dtype=dtype), bits)
    assert packed.dtype == torch.uint8
    assert packed.tolist() == slow_bytes(values, bits)
    assert packed.numel() == packed_size(len(values), bits)
    back = unpack(packed, bits, (len(values),))
    assert back.dtype == (torch.int8 if bits <= 8 else torch.int16)
    assert back.tolist() == values


def test_the_stream_bit_by_bit() -> None:
    assert pack(torch.tensor([1, -1, -1, 1, 1, 1, 1, 1, -1, 1]), 1).tolist() == [0b11111001, 0b10]
    # 3 bits: 1 is 001, −1 is 111, −4 is 100; from bit 0 up: 100 111 00|1
    assert pack(torch.tensor([1, -1, -4]), 3).tolist() == [0b00111001, 0b1]


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.int8), (16, np.int16)])
def test_whole_bytes_are_the_array_s_own(bits: int, dtype: type) -> None:
    little = np.dtype(dtype).newbyteorder("<")
    values = np.array([-(2 ** (bits - 1)), -3, 0, 5, 2 ** (bits - 1) - 1], dtype=dtype)
    assert bytes(pack(torch.from_numpy(values), bits).tolist()) == values.astype(little).tobytes()


def test_elements_are_in_row_major_order_whatever_the_strides() -> None:
    values = torch.randint(-8, 8, (3, 4, 2, 5), generator=torch.Generator().manual_seed(0))
    laid_out = values.to(memory_format=torch.channels_last)
    assert laid_out.stride() != values.stride()
    assert torch.equal(pack(laid_out, 4), pack(values.flatten(), 4))
    assert torch.equal(unpack(pack(laid_out, 4), 4, (3, 4, 2, 5)), values.to(torch.int8))


def test_nothing_is_no_bytes() -> None:
    assert unpack(pack(torch.zeros(0, 3, dtype=torch.int8), 5), 5, (0, 3)).shape == (0, 3)


@pytest.mark.parametrize("bits", [1, 3, 8, 11, 16])
@pytest.mark.parametrize("change", [-1, 1])
def test_truncated_and_over_long_bytes_are_refused(bits: int, change: int) -> None:
    packed = pack(torch.ones(10, dtype=torch.int32), bits)
    wrong = packed[:change] if change < 0 else torch.cat([packed, packed[:1] * 0])
    with pytest.raises(BadFile, match=rf"shape \[10\] at {bits} bits takes {len(packed)} bytes"):
        unpack(wrong, bits, (10,))


def test_bytes_of_another_type_or_shape_are_refused() -> None:
    for wrong in (torch.zeros(10, dtype=torch.int8), torch.zeros(2, 5, dtype=torch.uint8)):
        with pytest.raises(BadFile, match="takes 10 bytes"):
            unpack(wrong, 8, (10,))


def test_bits_after_the_last_element_are_refused() -> None:
    with pytest.raises(BadFile, match="after the last element"):
        unpack(torch.tensor([0b100], dtype=torch.uint8), 1, (2,))


@pytest.mark.parametrize(
    ("values", "bits", "words"),
    [([0], 1, "1 bit holds −1 and \\+1, not 0"), ([4], 3, "3 bits hold -4..3, not 4"), ([-129], 8, "not -129")],
)
def test_what_does_not_fit_is_refused(values: list[int], bits: int, words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        pack(torch.tensor(values), bits)


@pytest.mark.parametrize("bits", [0, 17])
def test_bits_outside_the_range_are_refused(bits: int) -> None:
    for call in (lambda: pack(torch.ones(1, dtype=torch.int8), bits), lambda: unpack(torch.zeros(1), bits, (1,))):
        with pytest.raises(BadSetting, match=rf"1\.\.16 bits an element, not {bits}"):
            call()


def test_real_numbers_are_refused() -> None:
    with pytest.raises(BadSetting, match=r"not torch\.float32"):
        pack(torch.ones(3), 1)
