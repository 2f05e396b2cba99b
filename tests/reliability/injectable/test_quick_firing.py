"""Few codes without compiled loops: the same bits as with them."""

import numpy as np

from spikewright.engines.int8.loops import fire_channels
from spikewright.reliability.injectable.quick_firing import _fire


def test_few_codes_are_those_of_the_compiled_loop() -> None:
    draw = np.random.default_rng(0)
    x = draw.integers(-300, 300, (30, 16)).astype(np.float32)
    gain, offset = draw.uniform(0.01, 0.2, 10), draw.uniform(-3, 3, 10)
    gain[0], offset[0] = 0.25, 0.5  # values on the boundary
    few, compiled = np.empty_like(x), np.empty_like(x)
    _fire(few, x, gain, offset, 15.0)
    fire_channels(compiled, x, gain, offset, 15.0)
    assert np.array_equal(few, compiled)
    assert len(np.unique(few)) == 16
