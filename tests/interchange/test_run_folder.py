"""Run folders: what is written is read back; what is damaged is refused in one line."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from support.converted import captured, converted
from support.old_plans import as_format

from spikewright.ann import interpreter
from spikewright.data.preparation import InputPreparation
from spikewright.engines.network import build
from spikewright.errors import BadFile, BadPlan, SpikewrightError
from spikewright.interchange import run_folder as folder
from spikewright.training.ann.levels import with_levels


@pytest.fixture
def run(tmp_path: Path) -> Path:
    blueprint, source, _ = converted("conv_bn_relu")
    folder.save_blueprint(tmp_path, blueprint, about={"method": "exact"})
    folder.save_source(tmp_path, source, about={})
    return tmp_path


def _edit(path: Path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def _refused(path: Path, load=folder.load_blueprint) -> str:
    with pytest.raises((BadFile, BadPlan)) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["resnet", "inception", "trained_levels", "constants", "conv_transposed_3d"])
def test_a_source_survives(name: str, tmp_path: Path) -> None:
    source, x, _ = captured(name)
    preparation = InputPreparation(mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0), size=(8, 8), channels=3)
    folder.save_source(tmp_path / "deep" / "run", source.with_preparation(preparation), about={"seed": 3})
    loaded, about = folder.load_source(tmp_path / "deep" / "run")
    assert loaded.nodes == source.nodes
    assert loaded.preparation == preparation
    assert about == {"seed": 3}
    assert torch.equal(interpreter.run(loaded, x), interpreter.run(source, x))
    assert not list(tmp_path.rglob("*.part"))


def test_a_slip_survives_and_a_source_from_before_it_has_none(tmp_path: Path) -> None:
    source, x, _ = captured("trained_levels")
    slipping = with_levels(source, 4, {node.name: 1.0 for node in source.activations}, slip=0.25)
    folder.save_source(tmp_path / "new", slipping, about={})
    loaded, _ = folder.load_source(tmp_path / "new")
    assert loaded.nodes == slipping.nodes
    assert torch.equal(interpreter.run(loaded, x), interpreter.run(slipping, x))
    folder.save_source(tmp_path / "old", source, about={})

    def without_slip(content: dict[str, Any]) -> None:
        assert [node["op"].pop("slip") for node in content["nodes"] if node["op"]["kind"] == "activation"]

    _edit(tmp_path / "old" / "source.json", without_slip)
    assert folder.load_source(tmp_path / "old")[0].nodes == source.nodes

    def too_much(content: dict[str, Any]) -> None:
        for node in content["nodes"]:
            if node["op"]["kind"] == "activation":
                node["op"]["slip"] = 1.5

    _edit(tmp_path / "new" / "source.json", too_much)
    assert "slip is 1.5" in _refused(tmp_path / "new", folder.load_source)


@pytest.mark.parametrize("save", [0, 1, 7, 8, 100, -1])
@pytest.mark.parametrize("name", ["weights.safetensors", "plan.json", "source.safetensors", "source.json"])
def test_truncated_files(run: Path, name: str, save: int) -> None:
    path = run / name
    path.write_bytes(path.read_bytes().rstrip()[:save])
    assert name in _refused(run, folder.load_source if "source" in name else folder.load_blueprint)


@pytest.mark.parametrize("text", ["", "null", "[]", "3", '"plan"', "{", "\x00", "{}", '{"format": 1}'])
def test_not_a_plan(run: Path, text: str) -> None:
    (run / "plan.json").write_text(text)
    assert "plan.json" in _refused(run)


def test_bytes_that_are_no_text(run: Path) -> None:
    (run / "plan.json").write_bytes(b"\xff\xfe\x00{")
    _refused(run)


@pytest.mark.parametrize("version", [0, 6, "1", None, [1]])
def test_another_version(run: Path, version: Any) -> None:
    _edit(run / "plan.json", lambda content: content.update(format=version))
    assert "format" in _refused(run)


def test_a_plan_of_format_1_is_read(run: Path) -> None:
    """It named what each node reads, where format 2 has edges."""
    blueprint, _ = folder.load_blueprint(run)

    _edit(run / "plan.json", lambda content: as_format(content, 1))
    assert folder.load_blueprint(run)[0].plan == blueprint.plan
    _edit(run / "plan.json", lambda content: content.update(plan=3))
    _refused(run)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_graded_node_whose_firing_is_null_is_read(run: Path, version: int) -> None:
    """So it was written before a stage was a type of its own; now it is left out."""
    blueprint, _ = folder.load_blueprint(run)

    def older(content: dict[str, Any]) -> None:
        as_format(content, version)
        for node in content["plan"]["nodes"]:
            node.setdefault("firing", None)

    _edit(run / "plan.json", older)
    plan = folder.load_blueprint(run)[0].plan
    assert plan == blueprint.plan
    assert [type(node) for node in plan.nodes] == [type(node) for node in blueprint.plan.nodes]
    assert 0 < len(plan.stages) < len(plan.nodes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["plan"]["nodes"].__setitem__(0, 3), "plan.nodes.0.node: Input should be a dictionary"),
        (lambda c: _stage(c).update(firing=3), ".stage.firing: Input should be a dictionary"),
        (lambda c: _stage(c)["firing"].pop("law"), ".stage.firing.law: Field required"),
        (lambda c: c["plan"]["nodes"][-1].update(shape="x"), ".node.shape: Input should be a valid tuple"),
        (
            lambda c: c["plan"]["nodes"][-1].update(firing=_stage(c)["firing"]),
            "must be a read-out, which does not fire",
        ),
    ],
)
def test_an_edited_node_is_refused_by_what_it_is(run: Path, change: Any, message: str) -> None:
    _edit(run / "plan.json", change)
    refusal = _refused(run)
    assert message in refusal
    assert refusal.endswith("the file was edited or comes from another version")


@pytest.mark.parametrize("name", ["plan.json", "weights.safetensors", "source.json", "source.safetensors"])
def test_missing_files_and_folders(run: Path, name: str) -> None:
    (run / name).unlink()
    load = folder.load_source if "source" in name else folder.load_blueprint
    assert name in _refused(run, load)
    assert "no run folder" in _refused(run / "nowhere", load)
    assert "no run folder" in _refused(run / "plan.json" if name != "plan.json" else run / "source.json", load)


def _stage(content: dict[str, Any]) -> dict[str, Any]:
    return next(node for node in content["plan"]["nodes"] if "firing" in node)


CHANGES = {
    "illegal code": lambda c: _stage(c)["firing"]["code"].update(step_weights=[4, 1]),
    "code of nothing": lambda c: _stage(c)["firing"]["code"].update(step_weights=[]),
    "negative code": lambda c: _stage(c)["firing"]["code"].update(step_weights=[-1]),
    "fractional code": lambda c: _stage(c)["firing"]["code"].update(step_weights=[1.5]),
    "unknown operation": lambda c: c["plan"]["nodes"][0]["op"].update(kind="softmax"),
    "no operation": lambda c: c["plan"]["nodes"][0].pop("op"),
    "unknown schedule": lambda c: _stage(c)["firing"]["schedule"].update(kind="later"),
    "unknown input": lambda c: c["plan"]["nodes"][0].update(edges=[{"source": "nowhere"}]),
    "no inputs": lambda c: c["plan"]["nodes"][0].update(edges=[]),
    "a cycle": lambda c: c["plan"]["nodes"][0].update(edges=[{"source": c["plan"]["nodes"][3]["name"]}]),
    "unknown alignment": lambda c: c["plan"]["nodes"][0]["edges"][0].update(alignment={"kind": "stretch"}),
    "truncation to more": lambda c: c["plan"]["nodes"][0]["edges"][0].update(
        alignment={"kind": "truncate", "timesteps": 2}
    ),
    "same name twice": lambda c: c["plan"]["nodes"][1].update(name=c["plan"]["nodes"][0]["name"]),
    "no nodes": lambda c: c["plan"].update(nodes=[]),
    "last node fires": lambda c: c["plan"]["nodes"].__delitem__(slice(c["plan"]["nodes"].index(_stage(c)) + 1, None)),
    "wrong shape": lambda c: c["plan"]["nodes"][0].update(shape=[1, 2, 3]),
    "wrong input shape": lambda c: c["plan"]["inputs"][0].update(shape=[2, 8, 8]),
    "empty input shape": lambda c: c["plan"]["inputs"][0].update(shape=[]),
    "stride of nothing": lambda c: c["plan"]["nodes"][0]["op"].update(stride=[]),
    "stride of zero": lambda c: c["plan"]["nodes"][0]["op"].update(stride=[0, 0]),
    "no groups": lambda c: c["plan"]["nodes"][0]["op"].update(groups=0),
    "negative padding": lambda c: c["plan"]["nodes"][0]["op"].update(padding=[-1, -1]),
    "another name": lambda c: c["plan"]["nodes"][0].update(name="renamed"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_an_edited_plan(run: Path, what: str) -> None:
    _edit(run / "plan.json", CHANGES[what])
    _refused(run)


@pytest.mark.parametrize("role", ["weight", "bias", "threshold", "initial_potential", "amplitude"])
@pytest.mark.parametrize("damage", ["missing", "nan", "shape", "zero"])
def test_damaged_arrays(run: Path, role: str, damage: str) -> None:
    arrays = load_file(run / "weights.safetensors")
    name = next(name for name in arrays if name.endswith(f".{role}"))
    if damage == "missing":
        del arrays[name]
    elif damage == "nan":
        arrays[name] = torch.full_like(arrays[name], float("nan"))
    elif damage == "shape":
        arrays[name] = torch.ones(7, 5, 3, 2)
    else:
        arrays[name] = torch.zeros_like(arrays[name])
    save_file(arrays, run / "weights.safetensors")
    if (damage == "missing" and role == "bias") or (damage == "zero" and role not in ("threshold", "amplitude")):
        folder.load_blueprint(run)  # a stage may have no bias, and zero is a number
    else:
        assert name in _refused(run) or damage == "shape"


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["nodes"][0].update(inputs=["nowhere"]),
        lambda c: c["nodes"][0].update(inputs=[]),
        lambda c: c["nodes"][1].update(name=c["nodes"][0]["name"]),
        lambda c: c.update(nodes=[]),
        lambda c: c["nodes"][0].update(shape=[1, 2, 3]),
        lambda c: c["nodes"][0].update(arrays=[]),
        lambda c: c["nodes"][0]["op"].update(stride=[]),
        lambda c: c.update(input_shape=[1, 8, 8]),
    ],
)
def test_an_edited_source(run: Path, change) -> None:
    _edit(run / "source.json", change)
    _refused(run, folder.load_source)


def test_damaged_arrays_of_a_source(run: Path) -> None:
    arrays = load_file(run / "source.safetensors")
    name = next(iter(arrays))
    save_file({**arrays, name: torch.full_like(arrays[name], float("nan"))}, run / "source.safetensors")
    with pytest.raises(SpikewrightError, match=name.replace(".", r"\.")):
        folder.load_source(run)
    save_file({key: value for key, value in arrays.items() if key != name}, run / "source.safetensors")
    assert name in _refused(run, folder.load_source)


def _places(content: Any, path: tuple = ()) -> list[tuple]:
    if isinstance(content, dict):
        return [place for key, value in content.items() for place in [(*path, key), *_places(value, (*path, key))]]
    if isinstance(content, list):
        return [place for key, value in enumerate(content) for place in [(*path, key), *_places(value, (*path, key))]]
    return []


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("edited")
    folder.save_blueprint(path, converted("bn_after_max_pool")[0], about={})
    (path / "plan.json").rename(path / "whole.json")
    return path


@given(data=st.data())
def test_any_edit_is_refused_in_one_line_or_runs(edited: Path, data: st.DataObject) -> None:
    """No edit of the structure ends in a traceback of something else."""
    content = json.loads((edited / "whole.json").read_text())
    place = data.draw(st.sampled_from(_places(content)))
    value = data.draw(st.sampled_from([None, 0, -1, 3, 1.5, "x", "input", [], [0], [1, 1], {}, True]))
    holder = content
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    (edited / "plan.json").write_text(json.dumps(content))
    try:
        loaded, _ = folder.load_blueprint(edited)
    except (BadFile, BadPlan) as error:
        assert "\n" not in str(error)
        return
    with torch.no_grad():
        build(loaded)(torch.zeros(1, *loaded.plan.input_shape))
