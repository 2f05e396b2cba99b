"""The Python interface from a module to figures, on inputs that are no images."""

import weakref
from collections.abc import Iterator
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
        lambda: sw.train("cnn", "digits"),
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


def test_a_plain_module_by_names_and_arrays() -> None:
    """A module where a source is meant, a method by its name, arrays where tensors are, a blueprint for a network."""
    model, x, y = _made()
    by_name = sw.convert(model, x[:100].numpy(), method="exact", timesteps=5)
    by_object = sw.convert(sw.capture(model, x[:2]), x[:100], method=sw.methods.Exact(timesteps=5))
    assert torch.equal(by_name(x), by_object(x))
    assert sw.verify(by_name, model, x.numpy()).equal
    assert sw.verify(by_name.blueprint, model, x).codes_total == 150 * 36
    assert sw.verify(by_name, model, x.split(40), limit=50).images == 50
    pair = sw.evaluate(by_name, model, (x.numpy(), y.numpy()))
    batches = sw.evaluate(by_name.blueprint, model, zip(x.split(40), y.split(40), strict=True))
    assert pair.accuracy_snn == batches.accuracy_snn
    assert pair.codes_total == batches.codes_total == 150 * 36
    bytes_ = sw.evaluate(by_name, model, (x, y), engine="int8")
    assert bytes_.engine == "int8"
    assert torch.equal(
        sw.engine(by_name, "float64")(x.double()), sw.build(by_name.blueprint, dtype=torch.float64)(x.double())
    )
    assert sw.engine(by_name, "int8")(x).shape == (150, 3)


def test_what_does_not_fit_together_is_refused_in_a_line() -> None:
    model, x, y = _made()
    network = sw.convert(model, x, timesteps=3)
    for call, words in (
        (lambda: sw.convert(model, x, method="exakt"), "no method named 'exakt'"),
        (lambda: sw.convert(model, x, method="exact", steps=3), "has no setting 'steps'"),
        (lambda: sw.convert(model, x, method=sw.Exact(), timesteps=3), "settings of its own"),
        (lambda: sw.evaluate(network, model, (x, y), engin="int8"), "no setting 'engin'"),
        (lambda: sw.engine(network, "gpu"), "no engine 'gpu'"),
        (lambda: sw.verify(network, model, []), "at least one input"),
        (lambda: sw.verify(network, model, x[:, :4]), "shape"),
        (lambda: sw.convert(model, x * float("nan")), "not finite"),
        (lambda: sw.train("cnn", "digits", epocs=1), "no setting 'epocs': known are epochs"),
        (lambda: sw.train("cnnn", "digits"), "'cnnn' is not known"),
        (lambda: sw.load("/nowhere"), "no run folder at /nowhere"),
        (lambda: sw.search("/nowhere.toml"), "no search configuration at /nowhere.toml"),
        (lambda: sw.convert(network, x), "a module or a captured source is meant"),
        (lambda: sw.convert(model), "captured with an example"),
        (lambda: sw.verify(model, model, x), "a spiking network is meant"),
    ):
        with pytest.raises(sw.SpikewrightError, match=words):
            call()


class Sine(nn.Module):
    """A function of many extrema, which does not convert."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sin()


def test_compare_calibrate_check() -> None:
    model, x, y = _made()
    rows = sw.compare(model, (x, y), methods=("exact", "qcfs"), timesteps=(1, 4))
    assert [(row.method, row.timesteps) for row in rows] == [("exact", 1), ("exact", 4), ("qcfs", 1), ("qcfs", 4)]
    for row in rows:
        right = (row.network(x).argmax(1) == y).float().mean().item()
        assert row.score.accuracy_snn == pytest.approx(right)
    better = sw.calibrate(rows[2].network, model, x, calibrator="mean_bias")
    assert better.plan == rows[2].network.plan
    assert sw.check(model, x[:2]) == ()
    obstacles = sw.check(nn.Sequential(nn.Linear(7, 3), Sine()), x[:2])
    assert [obstacle.path for obstacle in obstacles] == ["1.sin"]


def test_what_things_are_is_shown() -> None:
    model, x, _ = _made()
    source = sw.capture(model, x[:2])
    network = sw.convert(source, x, timesteps=3)
    assert repr(network) == "SpikingNetwork(2 stages, T = 3, [7] → [3], 531 parameters, float32)"
    assert repr(network.blueprint) == "Blueprint(2 stages, T = 3, [7] → [3], 531 parameters)"
    assert repr(source) == "Source(5 nodes, 2 activations, [7] → [3], 531 parameters)"
    certificate = sw.verify(network, source, x)
    assert repr(certificate) == certificate.line()


def test_a_loader_larger_than_memory_is_verified_as_it_comes() -> None:
    model, x, _ = _made()
    network, alive = sw.convert(model, x, timesteps=3), []

    def loader() -> Iterator[Tensor]:
        for part in x.split(10):
            alive.append(weakref.ref(batch := part.clone()))
            yield batch
            del batch
            assert sum(one() is not None for one in alive) <= 4

    assert sw.verify(network, model, loader()).images == 150
