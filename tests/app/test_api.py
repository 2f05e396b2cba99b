"""The Python interface from a module to figures, on inputs that are no images."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import spikewright as sw
from spikewright.errors import BadData, BadSetting


def _made() -> tuple[nn.Module, Tensor, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(7, 24), nn.ReLU(), nn.Linear(24, 12), nn.ReLU(), nn.Linear(12, 3)).eval()
        x = torch.randn(150, 7)
    return model, x, model(x).argmax(1)


def test_from_a_module_to_figures(tmp_path: Path) -> None:
    model, x, y = _made()
    source = sw.capture(model, x[:2])
    network = sw.convert(source, x[:100], method=sw.Exact(timesteps=8))
    certificate = sw.verify(network, source, x)
    assert certificate.equal
    assert certificate.codes_total == 150 * 36
    figures = sw.evaluate(network, source, zip(x.split(40), y.split(40), strict=True))
    assert figures.samples == 150
    assert figures.accuracy_source == 1.0
    assert figures.accuracy_snn == figures.accuracy_reference > 0.9
    assert figures.mismatched_codes == 0
    sw.save(tmp_path / "run", network, source)
    again, same = sw.load(tmp_path / "run")
    assert torch.equal(again(x), network(x))
    assert same is not None
    assert sw.verify(again, same, x).equal


def test_captures_again_and_again() -> None:
    model, x, _ = _made()
    assert sw.capture(model, x).output == sw.capture(model, x).output


def test_refusals() -> None:
    model, x, y = _made()
    source = sw.capture(model, x)
    with pytest.raises(BadSetting, match="calibration"):
        sw.convert(source)
    network = sw.convert(source, x)
    with pytest.raises(BadData, match="not empty"):
        sw.evaluate(network, source, [])
    with pytest.raises(BadData, match="one whole number per input"):
        sw.evaluate(network, source, [(x, y.float())])
    with pytest.raises(BadData, match="not finite"):
        sw.evaluate(network, source, [(x / 0, y)])
    with pytest.raises(BadData, match="tensors"):
        sw.verify(network, source, [["words"]])
    with pytest.raises(BadData, match=r"float32.*float64"):
        network(x.double())
    wide = sw.build(network.blueprint, lower=sw.IntegerMode(weights=sw.Uniform(bits=16)).lower)
    assert wide(x).shape == (150, 3)


def test_figures_are_refused_where_float32_is_not_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x, y = _made()
    source = sw.capture(model, x)
    network = sw.convert(source, x)
    monkeypatch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")
    settings = sw.InjectSettings(fault=sw.BitFlip(ber=0.1), maps=2)
    for call in (
        lambda: sw.convert(source, x),
        lambda: sw.verify(network, source, x),
        lambda: sw.evaluate(network, source, [(x, y)]),
        lambda: sw.inject(network.blueprint, sw.Prepared(x, y), settings),
    ):
        with pytest.raises(BadSetting, match="unset ONEDNN_DEFAULT_FPMATH_MODE"):
            call()


def test_an_empty_batch_gives_an_empty_result() -> None:
    model, x, _ = _made()
    network = sw.convert(sw.capture(model, x), x)
    assert network(x[:0]).shape == (0, 3)
    assert [record.codes.shape[0] for record in network.walk(x[:0])] == [0, 0, 0]
