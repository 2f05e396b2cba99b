"""The oldest format that can say all of a source is written, and both are read."""

import json
from pathlib import Path

import pytest
import torch
from support.many_ends import make
from support.zoo import Net

from spikewright.ann.capture.capture import capture
from spikewright.errors import BadFile
from spikewright.interchange.run_folder import load_blueprint, load_source, save_blueprint, save_source
from spikewright.interchange.source_formats import NAMED, PLAIN, content_of


def _saved(name: str, folder: Path) -> Path:
    model, batch = make(name)
    save_source(folder, capture(model, batch), about={"seed": 1})
    return folder / "source.json"


def test_one_input_and_one_output_are_written_as_ever(tmp_path: Path) -> None:
    source = capture(Net(lambda m, x: m.a(x).relu(), a=torch.nn.Linear(3, 2)), torch.rand(2, 3))
    save_source(tmp_path, source, about={"seed": 1})
    raw = json.loads((tmp_path / "source.json").read_text())
    assert set(raw) - {"run"} >= {"format", "input_shape", "nodes", "preparation", "about"}
    assert (raw["format"], raw["input_shape"]) == (PLAIN, [3])
    assert "inputs" not in raw
    again, about = load_source(tmp_path)
    assert (again.nodes, again.inputs, again.outputs) == (source.nodes, source.inputs, source.outputs)
    assert about == {"seed": 1}


@pytest.mark.parametrize("name", ["two_towers", "ids_alone", "nested"])
def test_others_are_written_by_name(name: str, tmp_path: Path) -> None:
    raw = json.loads(_saved(name, tmp_path).read_text())
    assert raw["format"] == NAMED
    assert content_of(load_source(tmp_path)[0], {}).format == NAMED


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 3}, "format 3"),
        ({"inputs": []}, "names of their own"),
        ({"outputs": [{"name": "a", "node": "nowhere"}]}, "output 'a' is of no node"),
        ({"outputs": [{"name": "a", "node": "left"}]}, "output 'a' is of no node"),
        ({"inputs": [{"name": "left", "shape": [3, 6, 6], "ids": None}]}, "a single one is 'input'"),
        ({"inputs": [{"name": n, "shape": [0, 6, 6], "ids": None} for n in ("left", "right")]}, "every axis"),
    ],
)
def test_what_cannot_be_read(change: dict[str, object], words: str, tmp_path: Path) -> None:
    path = _saved("two_towers", tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BadFile, match=words) as caught:
        load_source(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "version"), [("two_towers", 4), ("nested", 4), ("ids_alone", 5)])
def test_a_plan_that_takes_ids_says_so_by_its_format(name: str, version: int, tmp_path: Path) -> None:
    import spikewright as sw

    model, batch = make(name)
    source = capture(model, batch)
    save_blueprint(tmp_path, sw.convert(source, [(batch, None)], timesteps=2).blueprint, about={})
    raw = json.loads((tmp_path / "plan.json").read_text())
    assert raw["format"] == version
    assert all(("ids" in each) == (version == 5) for each in raw["plan"]["inputs"])
    assert load_blueprint(tmp_path)[0].plan.inputs[0].ids == (9 if version == 5 else None)
