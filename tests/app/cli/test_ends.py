"""Networks of several outputs, and of several inputs, on the command line."""

import json
from pathlib import Path

import pytest
import torch
from support.many_ends import make
from support.trained import digits
from torch import Tensor, nn

import spikewright as sw
from app.cli.running import spikewright


class Two(nn.Module):
    """Classes of digits, and a mask."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.trunk, self.mask, self.head = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 1, 1), nn.Linear(4 * 64, 10)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        h = self.trunk(x).relu()
        return {"mask": self.mask(h), "classes": self.head(h.flatten(1))}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A converted run of two outputs."""
    data, x = digits(), torch.rand(8, 1, 8, 8)
    source = sw.capture(Two().eval(), x, preparation=data.preparation)
    sw.save(tmp_path / "run", sw.convert(source, x, timesteps=3), source, about={"data": "digits"})
    return tmp_path / "run"


def test_verbs_go_by_the_output_that_tells_classes(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    for more in ((), ("--output", "classes")):
        evaluate = ("evaluate", run, "--images", 20, "--codes-images", 20, "--json", figures)
        assert spikewright(monkeypatch, *evaluate, *more) == 0
        assert json.loads(figures.read_text())["mismatched_codes"] == 0
    assert spikewright(monkeypatch, "verify", run, "--images", 20) == 0
    assert "EQUAL, proven" in capsys.readouterr().out
    for side in ("--spiking", "--source"):
        inject = ("inject", run, "--ber", "0", "--maps", 2, "--images", 20, side, "--output", "classes")
        assert spikewright(monkeypatch, *inject, "--record", tmp_path / f"{side}.jsonl") == 0


@pytest.mark.parametrize(
    ("verb", "output", "words"),
    [
        ("evaluate", "mask", "accuracy needs one row of class scores"),
        ("evaluate", "depth", "no output 'depth': choose one of mask, classes"),
        ("inject", "depth", "no output 'depth': choose one of mask, classes"),
    ],
)
def test_other_outputs_are_refused(
    verb: str,
    output: str,
    words: str,
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    more = ("--ber", "0") if verb == "inject" else ()
    assert spikewright(monkeypatch, verb, run, "--output", output, *more) == 2
    assert words in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("name", "words"), [("two_towers", "has 2 inputs ('left', 'right')"), ("ids_alone", "takes ids")]
)
@pytest.mark.parametrize("verb", ["evaluate", "verify", "inject"])
def test_several_inputs_are_for_python(
    verb: str,
    name: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, batch = make(name)
    source = sw.capture(model, batch)
    network = sw.convert(source, [(batch, None)], timesteps=3)
    sw.save(tmp_path / "run", network, source, about={"data": "digits"})
    more = ("--ber", "0") if verb == "inject" else ()
    assert spikewright(monkeypatch, verb, tmp_path / "run", *more) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert words in said
