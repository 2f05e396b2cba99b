"""Products with fewer bits are found by what was asked for, and by what comes out."""

import pytest
import torch

from spikewright.engines import precision
from spikewright.engines.precision import VARIABLES, require_exact_sums, require_float32
from spikewright.errors import BadSetting


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


def refusal(check=require_float32) -> str:
    with pytest.raises(BadSetting) as caught:
        check()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_this_process_computes_in_float32() -> None:
    require_float32()
    require_exact_sums()


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("mode", ["BF16", "bf16", "TF32", "F16", "ANY"])
def test_a_variable_of_onednn_is_named_with_the_way_out(monkeypatch, name, mode) -> None:
    monkeypatch.setenv(name, mode)
    said = refusal()
    assert said.startswith(f"{name}={mode} lets processors compute float32 products with fewer bits")
    assert said.endswith(f": unset {name}")


@pytest.mark.parametrize("mode", ["", "STRICT", "strict"])
def test_a_variable_that_asks_for_full_precision_is_none(monkeypatch, mode) -> None:
    monkeypatch.setenv(VARIABLES[0], mode)
    require_float32()


@pytest.mark.parametrize("asked", ["high", "medium"])
def test_a_switch_of_pytorch_is_named_with_the_way_out(asked) -> None:
    torch.set_float32_matmul_precision(asked)
    said = refusal()
    assert said.startswith("torch.")
    assert "fewer bits" in said
    assert "'highest'" in said
    torch.set_float32_matmul_precision("highest")
    require_float32()


@pytest.mark.skipif(not hasattr(torch.backends.mkldnn, "conv"), reason="this PyTorch has one switch for all products")
def test_the_switch_of_convolutions_counts_too() -> None:
    conv = torch.backends.mkldnn.conv
    before = conv.fp32_precision
    conv.fp32_precision = "bf16"
    try:
        assert refusal().startswith("torch.backends.mkldnn.conv.fp32_precision = 'bf16' lets")
    finally:
        conv.fp32_precision = before
    require_float32()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_is_found_by_what_comes_out(dtype) -> None:
    with torch.autocast("cpu", dtype=dtype):
        said = refusal()
    assert said.startswith("float32 products (convolution, linear, matrix product) are computed with fewer bits here")
    assert said.endswith("leave torch.autocast, or look for what else PyTorch was told to compute with")


def saved(value: torch.Tensor, bits: int) -> torch.Tensor:
    """A factor of which a processor keeps so many bits."""
    fraction, exponent = torch.frexp(value)
    return torch.ldexp((fraction * 2**bits).round() / 2**bits, exponent)


@pytest.mark.parametrize("product", ["convolution", "linear", "matrix product"])
@pytest.mark.parametrize("side", [(8, 24), (24, 8), (11, 11), (11, 24), (24, 11)])
def test_one_product_with_fewer_bits_in_one_factor_is_enough(monkeypatch, product, side) -> None:
    plain = precision._PRODUCTS[product]
    monkeypatch.setitem(precision._PRODUCTS, product, lambda a, b: plain(saved(a, side[0]), saved(b, side[1])))
    assert refusal().startswith(f"float32 products ({product}) are computed with fewer bits here, on cpu")


def test_rounding_of_sums_is_not_taken_for_fewer_bits_but_is_no_exact_sum(monkeypatch) -> None:
    """As where a convolution goes by transforms."""
    plain = precision._PRODUCTS["convolution"]

    def rounded(left, right):
        made = plain(left, right)
        return made if made.dtype == torch.float64 else made * (1 + 2.0**-22)

    monkeypatch.setitem(precision._PRODUCTS, "convolution", rounded)
    require_float32()
    said = refusal(require_exact_sums)
    assert said.startswith("float32 products (convolution) of whole numbers are not exact here: call torch.backends.nn")


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_without_onednn_sums_are_exact_if_nnpack_is_off() -> None:
    with torch.backends.mkldnn.flags(enabled=False), torch.backends.nnpack.flags(enabled=False):
        require_float32()
        require_exact_sums()
