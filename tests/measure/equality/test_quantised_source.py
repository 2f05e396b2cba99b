"""The light interpretation against the reference that the certificate uses, and against the engines."""

import torch
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import observe
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.measure.equality.quantised_source import QuantisedSource, rounding_of
from spikewright.measure.equality.reference import in_float64, refer


class Branches(nn.Module):
    """Two branches of different thresholds, concatenated and then pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(2, 2, 1)
        self.head = nn.Linear(5 * 9, 4)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat([torch.relu(self.left(x)), torch.relu(3 * self.right(x))], 1)
        return self.head(nn.functional.max_pool2d(both, 2).flatten(1))


def branches() -> tuple[Source, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, x = Branches().eval(), torch.randn(20, 2, 6, 6)
    return capture(model, x), x


def test_it_says_what_the_reference_says() -> None:
    source, x = branches()
    blueprint = Exact(timesteps=3)(source, observe(source, [x]))
    truth = refer(source, x, rounding_of(blueprint, source), arrays=in_float64(source))
    light = QuantisedSource(blueprint, source, torch.float64)
    assert float((light.scores(x) - truth.output).abs().max()) < 1e-12
    codes = light.codes(x)
    fired = [r for r in build(blueprint, dtype=torch.float64).walk(x.double()) if isinstance(r, StageRecord)]
    assert {record.node.name for record in fired} == set(codes)
    assert all(torch.equal(record.codes, codes[record.node.name]) for record in fired)
    assert any(isinstance(record, StageRecord) and record.firing.channels for record in fired)


def test_it_runs_in_float32_too() -> None:
    source, x = branches()
    blueprint = Exact(timesteps=3)(source, observe(source, [x]))
    light = QuantisedSource(blueprint, source, torch.float32).scores(x)
    assert light.dtype is torch.float32
    exact = QuantisedSource(blueprint, source, torch.float64).scores(x)
    assert float((light - exact).abs().median()) < 1e-5
