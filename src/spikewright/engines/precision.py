"""Whether products of float32 numbers are products of float32 numbers here; where they are not, figures are refused.

    float32 keeps 24 bits of a factor; TF32 and half precision keep 11, bfloat16 keeps 8
A variable of oneDNN's, or a switch of PyTorch's, has products computed with fewer bits by processors that have units
for it, and nothing says so afterwards. What was asked for is read, and refused on every processor, so that no figure
depends on which one made it; and products that are known are tried, so that nothing has to be presumed. Mixed precision
in training is another thing: autocast, for as long as an update runs. Nothing is switched here.
"""

import os
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.errors import BadSetting

VARIABLES = ("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE")  # oneDNN reads both names
_FULL = ("", "strict", "none", "ieee", "highest")  # in the words of oneDNN, and of PyTorch's switches
_SAMPLES = 16  # from here on PyTorch gives convolutions to oneDNN on any number of threads
_WIDE = 2.0**15 + 1  # without its 16th bit it is less by 1
_TERMS = 8

Product = Callable[[Tensor, Tensor], Tensor]


def require_float32(device: torch.device | str = "cpu") -> None:
    """Refuse to go on where products in float32 keep fewer bits than float32 has.

    Args:
        device: where products will be taken, beside the CPU.

    Raises:
        BadSetting: one line with the variable or switch, and how to go on.
    """
    for asked, way_out in (*_variables(), *_switches()):
        raise BadSetting(
            f"{asked} lets processors compute float32 products with fewer bits, which changes figures without a word: "
            f"{way_out}"
        )
    for place in dict.fromkeys((torch.device("cpu"), torch.device(device))):
        wrong = [name for name, product in _PRODUCTS.items() if not _preserves_bits(product, place)]
        if wrong:
            way_out = "leave torch.autocast, or look for what else PyTorch was told to compute with"
            if place.type != "cpu":
                way_out = "set torch.backends.cuda.matmul.allow_tf32 and torch.backends.cudnn.allow_tf32 to False"
            raise BadSetting(
                f"float32 products ({', '.join(wrong)}) are computed with fewer bits here, on {place}, which changes "
                f"figures without a word: {way_out}"
            )


def require_exact_sums() -> None:
    """Refuse to go on where sums of whole numbers below 2^24 are not exact in float32, on the CPU.

    They are by any order of adding up, but not by Winograd's or Fourier's transforms, which NNPACK convolves by where
    PyTorch has no oneDNN, or was told not to use it.

    Raises:
        BadSetting: in one line.
    """
    wrong = [name for name, product in _PRODUCTS.items() if not _sums_exactly(product)]
    if wrong:
        raise BadSetting(
            f"float32 products ({', '.join(wrong)}) of whole numbers are not exact here: call "
            "torch.backends.nnpack.set_flags(False), or leave torch.backends.mkldnn on"
        )


def _variables() -> Iterator[tuple[str, str]]:
    for name in VARIABLES:
        mode = os.environ.get(name, "").strip()
        if mode.lower() not in _FULL:
            yield f"{name}={mode}", f"unset {name}"


def _switches() -> Iterator[tuple[str, str]]:
    """What was asked of the CPU in Python. Before 2.9 PyTorch had one word for all devices."""
    onednn = torch.backends.mkldnn
    if not hasattr(onednn, "matmul"):
        asked = torch.get_float32_matmul_precision()
        if asked not in _FULL:
            yield f"torch.set_float32_matmul_precision({asked!r})", "set it to 'highest'"
        return
    for name in ("matmul", "conv"):
        asked = str(getattr(onednn, name).fp32_precision)
        if asked not in _FULL:
            yield (
                f"torch.backends.mkldnn.{name}.fp32_precision = {asked!r}",
                "set it to 'ieee', or torch.set_float32_matmul_precision to 'highest'",
            )


# Products that are known -------------------------------------------------------------------------------------


def _convolution(left: Tensor, right: Tensor) -> Tensor:
    kernel = right.reshape(32, 32, 4, 4)[:, :, :3, :3].contiguous()
    return F.conv2d(left.reshape(_SAMPLES, 32, 4, 4), kernel)


def _matrix(left: Tensor, right: Tensor) -> Tensor:
    return left @ right.T


# Of [16, 512] and [32, 512]: large enough for what processors have special units for
_PRODUCTS: dict[str, Product] = {"convolution": _convolution, "linear": F.linear, "matrix product": _matrix}


@torch.no_grad()
def _preserves_bits(product: Product, place: torch.device) -> bool:
    """Whether 16 bits of either factor count: sums of 8 terms that would be less by 1 each, give or take rounding."""
    for left_value, right_value in ((_WIDE, 1.0), (1.0, _WIDE)):
        left = torch.full((_SAMPLES, 512), left_value, dtype=torch.float32, device=place)
        right = torch.zeros(32, 512, dtype=torch.float32, device=place)
        right[:, :: 512 // _TERMS] = right_value
        if float((product(left, right).cpu().double() - _TERMS * _WIDE).abs().max()) >= _TERMS / 2:
            return False
    return True


@torch.no_grad()
def _sums_exactly(product: Product) -> bool:
    generator = torch.Generator().manual_seed(0)
    left = torch.randint(-127, 128, (_SAMPLES, 512), generator=generator)
    right = torch.randint(-127, 128, (32, 512), generator=generator)  # sums stay below 127² · 512 < 2^24
    return torch.equal(product(left.float(), right.float()).double(), product(left.double(), right.double()))
