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

class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 10, batch_first=True)

    def forward(self, x):
        return self.lstm(x[:, 0])[0][:, -1]

def unsupported():
    return Recurrent()

class Sums(nn.Module):
    def forward(self, x):
        return x.cumprod(1)

class Order(nn.Module):
    def forward(self, x):
        return x.argsort(1) * 1.0

def several():
    return nn.Sequential(nn.Flatten(), Sums(), Order(), Sums(), nn.Linear(64, 10))

def wrapped():
    return nn.DataParallel(net())
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
    macs = 64 * 20  # of the graded input; spikes are only added
    assert result.left is not None
    assert result.to_json() == {
        "converts": True,
        "stages": 1,
        "nodes": result.nodes,
        "parameters": 64 * 20 + 20 + 20 * 10 + 10,
        "obstacles": [],
        "kinds": [],
        "left": result.left.to_json(),
    }
    assert result.left.stages_by_law == {"integrate_fire": 1}
    assert (result.left.macs_per_sample, result.left.macs_dense_per_sample) == (macs, macs + 20 * 10)


def test_obstacles_are_returned_with_the_way_out(own: str) -> None:
    result = run(CheckRequest(model=f"{own}:unsupported", data="digits"))
    (obstacle,) = result.obstacles
    assert "lstm" in obstacle.what and obstacle.way_out
    assert result.to_json()["obstacles"] == [obstacle._asdict()]
    assert result.to_json()["left"] is None
    assert not result.to_json()["converts"]


def test_obstacles_are_grouped_by_kind_the_most_frequent_first(own: str) -> None:
    result = run(CheckRequest(model=f"{own}:several", shape=(1, 8, 8)))
    often, once = result.kinds
    assert [each.path for each in often.obstacles] == ["1.cumprod", "3.cumprod"]
    assert [each.path for each in once.obstacles] == ["2.argsort"]
    for kind in (often, once):
        assert kind.what and kind.why and kind.way_out
    assert often.to_json() == {
        "what": often.what,
        "why": often.why,
        "way_out": often.way_out,
        "count": 2,
        "where": [{"path": each.path, "line": each.line} for each in often.obstacles],
    }
    assert [kind["count"] for kind in result.to_json()["kinds"]] == [2, 1]


def test_a_wrapper_is_looked_through_and_said(own: str) -> None:
    notes: list[str] = []
    request = CheckRequest(model=f"{own}:wrapped", shape=(1, 8, 8))
    result = run(request, on_progress=lambda what, done, total, note="": notes.append(note))
    assert result.stages == 1
    assert "looked through DataParallel at Sequential" in notes


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
