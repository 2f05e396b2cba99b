"""What converts of a model, and what is refused before any data is loaded."""

from pathlib import Path
from typing import Any

import pytest
from support.refuse_data import refuse_data

from spikewright.app.runs.check import CheckRequest, run
from spikewright.errors import BadFile, BadModel, BadSetting

OWN = """
from torch import nn

def net():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 10))

class Sine(nn.Module):
    def forward(self, x):
        return x.sin()

def unsupported():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 20), Sine(), nn.Linear(20, 10))
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    name = f"checked_{tmp_path.name}"  # a module is imported once, and each test has its own
    Path(f"{name}.py").write_text(OWN)
    return name


@pytest.mark.parametrize("inputs", [{"data": "digits"}, {"shape": (1, 8, 8)}])
def test_what_converts_is_counted(inputs: dict[str, Any], own: str) -> None:
    result = run(CheckRequest(model=f"{own}:net", **inputs))
    assert result.obstacles == ()
    assert result.to_json() == {
        "stages": 1, "nodes": result.nodes, "parameters": 64 * 20 + 20 + 20 * 10 + 10, "obstacles": [],
    }  # fmt: skip


def test_obstacles_are_returned_with_the_way_out(own: str) -> None:
    result = run(CheckRequest(model=f"{own}:unsupported", data="digits"))
    (obstacle,) = result.obstacles
    assert "sin" in obstacle.what and obstacle.way_out
    assert result.to_json()["obstacles"] == [obstacle._asdict()]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({}, BadSetting, "give either --data or --shape"),
        ({"data": "digits", "shape": (1, 8, 8)}, BadSetting, "give either --data or --shape"),
        ({"shape": (64,)}, BadSetting, r"--shape \(64,\) must be channels x height x width"),
        ({"data": "digits", "model": "topp0"}, BadModel, "'topp0' is not known: did you mean 'top0'"),
        ({"data": "digits", "model": "no_such_module:net"}, BadModel, "no module named 'no_such_module'"),
        ({"data": "digits", "weights": Path("nowhere.pt")}, BadFile, "nowhere.pt: no such file"),
        ({"data": "digits", "weights": Path("w.txt")}, BadFile, "weights are read from"),
    ],
)
def test_nothing_is_loaded_for_what_cannot_be(
    given: dict[str, Any], error: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_data(monkeypatch)
    with pytest.raises(error, match=words):
        run(CheckRequest(**{"model": "top0", **given}))


def test_progress_is_told_to_its_end_whatever_is_found(own: str) -> None:
    for model in ("net", "unsupported"):
        seen: list[tuple[str, int, int]] = []
        request = CheckRequest(model=f"{own}:{model}", shape=(1, 8, 8))
        run(request, on_progress=lambda what, done, total, note="", seen=seen: seen.append((what, done, total)))
        assert seen[0] == ("capture", 0, 2)
        assert seen[-1] == ("capture", 2, 2)
