"""Faults from Python: a name, an object, a whole campaign; networks, blueprints, sources and modules."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import spikewright as sw


def _made() -> tuple[nn.Module, Tensor, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 4)).eval()
        x = torch.randn(60, 6)
    return model, x, model(x).argmax(1)


def test_a_fault_by_name_or_object_on_a_network_or_blueprint_is_one_campaign(tmp_path: Path) -> None:
    model, x, y = _made()
    network = sw.convert(model, x, timesteps=4)
    whole = sw.InjectSettings(fault=sw.BitFlip(ber=0.02), maps=5, bits=6)
    wanted = sw.inject(network, sw.Prepared(x, y), whole)
    found = (
        sw.inject(network, (x, y), ber=0.02, maps=5, bits=6),
        sw.inject(network.blueprint, (x.numpy(), y.numpy()), fault=sw.faults.BitFlip(ber=0.02), maps=5, bits=6),
        sw.inject(network, [(x, y)], fault="bit_flip", ber=0.02, maps=5, bits=6, record=tmp_path / "r.jsonl"),
    )
    for each in found:
        assert each.rows[0].accuracies.tolist() == wanted.rows[0].accuracies.tolist()
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) >= 5
    stuck = sw.inject(network, (x, y), fault="stuck_at", ber=0.02, at=1, maps=3)
    assert stuck.settings.fault == sw.faults.StuckAt(ber=0.02, at=1)


def test_an_ordinary_network_is_captured() -> None:
    model, x, y = _made()
    assert sw.inject(model, (x, y), ber=0.01, maps=2).accuracy_golden > 0.9
    source = sw.capture(model, x[:2])
    assert sw.inject(source, (x, y), ber=0.01, maps=2).rows[0].maps == 2


def test_refusals() -> None:
    model, x, y = _made()
    for call, words in (
        (lambda: sw.inject(model, (x, y), fault="bitflip", ber=0.1), "no fault named 'bitflip'"),
        (lambda: sw.inject(model, (x, y), fault=sw.BitFlip(ber=0.1), ber=0.1), "of its own"),
        (lambda: sw.inject(model, (x, y), fault=["a", "b"], ber=0.1), "give a name, or one of sw.faults"),
        (lambda: sw.inject(model, (x, y), sw.InjectSettings(fault=sw.BitFlip(ber=0.1)), maps=2), "leave out"),
        (lambda: sw.inject(model, [], ber=0.1), "labelled samples"),
    ):
        with pytest.raises(sw.SpikewrightError, match=words):
            call()
