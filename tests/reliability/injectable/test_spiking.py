"""Directly trained networks that read real values, against their own stepwise run in float64, image by image."""

import numpy as np
import pytest
import torch
from contracts.test_direct_loops import SETTINGS, inputs
from support.converted import captured
from support.direct import case

from spikewright.conversion.quantise import quantise
from spikewright.engines.network import build
from spikewright.reliability.injectable.propagate import run_golden
from spikewright.reliability.injectable.spiking import SpikingTarget
from spikewright.snn.formats.uniform import Uniform

BITS = Uniform(bits=8)


@pytest.mark.parametrize("out", [0.0, 1e6, 1e9])
@pytest.mark.parametrize("name", ["mlp", "resnet", "conv_transposed_2d"])
def test_a_value_far_out_changes_its_own_image_alone(name: str, out: float) -> None:
    source, x, _ = captured(name)
    settings = SETTINGS["plain"]
    blueprint = case(source, settings, inputs(settings, x)).network.freeze()
    target, stored = SpikingTarget(blueprint, BITS), quantise(blueprint, BITS)
    assert any(piece.weights is not None and piece.weights.digits is not None for piece in target.pieces)
    given = torch.randn(12, *x.shape[1:], generator=torch.Generator().manual_seed(0))
    given[::5].flatten(1)[:, 3] += out
    if out:
        for image in (0, 5, 10):
            given[image].view(-1)[3] = out
    with torch.no_grad():
        engine = build(stored, dtype=torch.float64)
        expected = torch.cat([engine(image.unsqueeze(0).double()) for image in given]).numpy()
        found = run_golden(target, given, np.arange(12)).scores
        backwards = run_golden(target, given.flip(0), np.arange(12)[::-1].copy()).scores
        alone = [run_golden(target, given[i : i + 1], np.arange(i, i + 1)).scores for i in range(12)]
    assert np.array_equal(found[::-1], backwards)
    assert np.array_equal(found, np.concatenate(alone))
    # a spike that hangs on float32's rounding may differ; a grid that is too coarse would change nearly every image
    same = np.isclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max(1, keepdims=True)).all(1)
    assert int(same.sum()) >= 11
