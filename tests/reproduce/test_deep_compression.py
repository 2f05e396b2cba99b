"""The file format of Deep Compression, against a writer of it made here."""

from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
from support.scripts import loaded

SHAPES = [(4, 3, 3, 3), (5, 4, 1, 1), (2, 5, 3, 3)]


@pytest.fixture(scope="module")
def deep_compression() -> Iterator[ModuleType]:
    with loaded("deep_compression") as module:
        yield module


def pruned(seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Layers of which one weight in eleven is left, so that some gaps are longer than fifteen."""
    rng = np.random.default_rng(seed)
    return [
        (
            np.where(rng.random(shape) < 1 / 11, rng.integers(1, 200, shape) / 8, 0).astype(np.float32),
            rng.normal(size=shape[0]).astype(np.float32),
        )
        for shape in SHAPES
    ]


def packed(layers: list[tuple[np.ndarray, np.ndarray]]) -> bytes:
    """Weight by weight."""
    counts, bodies = [], b""
    for weight, bias in layers:
        values = [0.0, *sorted(set(weight.flat) - {0.0})]
        codes, gaps, gap = [], [], 0
        for value in weight.flat:
            if value != 0 or gap == 15:
                codes.append(values.index(value))
                gaps.append(gap)
                gap = 0
            else:
                gap += 1
        counts.append(len(codes))
        gaps.append(0)
        pairs = [gaps[at] + 16 * gaps[at + 1] for at in range(0, len(codes), 2)]
        codebook = np.array(values + [0.0] * (256 - len(values)), np.float32)
        bodies += codebook.tobytes() + bias.tobytes() + bytes(codes) + bytes(pairs)
    return np.array(counts, np.uint32).tobytes() + bodies


@pytest.mark.parametrize("seed", range(4))
def test_what_was_packed_comes_back(deep_compression: ModuleType, seed: int) -> None:
    layers = pruned(seed)
    found = deep_compression.unpack(packed(layers), SHAPES)
    for (weight, bias), (own_weight, own_bias) in zip(found, layers, strict=True):
        assert np.array_equal(weight.numpy(), own_weight)
        assert np.array_equal(bias.numpy(), own_bias)


def test_bytes_that_are_left_over_are_refused(deep_compression: ModuleType) -> None:
    with pytest.raises(ValueError, match="another network's file"):
        deep_compression.unpack(packed(pruned(0)) + b"\0", SHAPES)
