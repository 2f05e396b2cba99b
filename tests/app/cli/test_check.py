"""What `spikewright check` prints: kinds of obstacles with reasons and ways out, or what a network comes to."""

import sys
from pathlib import Path

import pytest

from app.cli.running import refused, spikewright

OWN = """
from torch import nn

class Sums(nn.Module):
    def forward(self, x):
        return x.cumprod(1)

def several():
    return nn.Sequential(nn.Flatten(), *(Sums() for _ in range(5)), nn.Linear(64, 10))
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("own_check.py").write_text(OWN)
    return "own_check"


def test_a_kind_says_what_why_and_the_way_out(
    own: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("check", "--model", f"{own}:several", "--shape", "1x8x8", "--json", "found.json")
    assert spikewright(monkeypatch, *asked) == 1
    said = capsys.readouterr().out
    assert f"{own}:several: 5 obstacles of 1 kind" in said
    assert "5× cumprod has no spiking equivalent: none of the operations that spikes" in said
    assert "way out: write it by operations that docs/supported.md lists" in said
    assert "in 1.cumprod, 2.cumprod, 3.cumprod and 2 more" in said
    assert "own_check.py:6 `return x.cumprod(1)`" in said
    assert '"count": 5' in Path("found.json").read_text()


def test_what_a_network_comes_to(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert spikewright(monkeypatch, "check", "--model", "top0", "--data", "digits") == 0
    said = capsys.readouterr().out
    for words in ("stages by neuron: 1 integrate_fire", "not with spikes: 0 nodes", "multiplications left: "):
        assert words in said


def test_a_package_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    said = refused(monkeypatch, capsys, "check", "--model", "timm:resnet18", "--data", "digits")
    assert said == "spikewright: model 'timm:resnet18': the package timm is not installed: pip install timm"
