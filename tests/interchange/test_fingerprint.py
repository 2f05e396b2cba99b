"""Files of different runs do not go together; files that say nothing of it do."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.converted import converted

from spikewright.errors import BadFile
from spikewright.interchange import run_folder
from spikewright.interchange.fingerprint import FIELD, fingerprint_of, mark_of, require_tied
from spikewright.interchange.placing import RUN_FILES


def saved(folder: Path, name: str = "conv_bn_relu", *, timesteps: int = 4, **about: object) -> Path:
    blueprint, source, _ = converted(name, timesteps=timesteps)
    run_folder.save_run(folder, source=source, blueprint=blueprint, about=about)
    return folder


@pytest.mark.parametrize("name", RUN_FILES)
def test_a_file_of_another_run_is_noticed_by_whatever_is_loaded(name: str, tmp_path: Path) -> None:
    one, other = saved(tmp_path / "one"), saved(tmp_path / "other", timesteps=3)
    shutil.copy(other / name, one / name)
    for load in (run_folder.load_source, run_folder.load_blueprint):
        with pytest.raises(
            BadFile, match=r"one holds files of different runs \(.* have different .*--overwrite"
        ) as caught:
            load(one)
        assert "\n" not in str(caught.value)


def test_every_file_of_a_run_has_the_same(tmp_path: Path) -> None:
    one, again, other = saved(tmp_path / "one"), saved(tmp_path / "again"), saved(tmp_path / "other", "resnet")
    marks = [{mark_of(folder, name) for name in RUN_FILES} for folder in (one, again, other)]
    assert [len(each) for each in marks] == [1, 1, 1]
    assert marks[0] == marks[1] != marks[2]
    assert None not in marks[0]
    for name in RUN_FILES:  # the same run is the same to the byte
        assert (one / name).read_bytes() == (again / name).read_bytes()


def test_a_run_of_an_older_version_has_none_and_is_read(tmp_path: Path) -> None:
    one = saved(tmp_path)
    for name in ("plan.json", "source.json"):
        content = json.loads((one / name).read_text())
        assert content.pop(FIELD)
        (one / name).write_text(json.dumps(content))
    for name in ("weights.safetensors", "source.safetensors"):
        save_file(load_file(one / name), one / name)
    assert [mark_of(one, name) for name in RUN_FILES] == [None] * 4
    require_tied(one)
    blueprint, _ = run_folder.load_blueprint(one)
    assert set(blueprint.arrays) == set(converted("conv_bn_relu")[0].arrays)
    run_folder.load_source(one)


def test_a_half_that_is_saved_by_itself_goes_with_the_other_half(tmp_path: Path) -> None:
    blueprint, source, _ = converted("conv_bn_relu")
    run_folder.save_source(tmp_path, source, about={})
    run_folder.save_blueprint(tmp_path, blueprint, about={"method": "exact"})
    require_tied(tmp_path)
    assert len({mark_of(tmp_path, name) for name in RUN_FILES}) == 1
    run_folder.load_source(tmp_path)
    run_folder.save_run(tmp_path, blueprint=blueprint, about={})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.json", "weights.safetensors"]


def test_it_depends_on_everything_but_what_is_known_about_it() -> None:
    content, arrays = {"a": 1, "about": {"b": 2}}, {"x": torch.arange(4.0), "y": torch.ones((), dtype=torch.int8)}
    found = {fingerprint_of({"plan": (content, arrays)})}
    assert found == {fingerprint_of({"plan": (dict(reversed(content.items())), dict(reversed(arrays.items())))})}
    assert found == {fingerprint_of({"plan": ({**content, "about": {}}, arrays)})}
    for other in (
        {"plan": ({**content, "a": 2}, arrays)},
        {"plan": (content, {**arrays, "x": torch.arange(4.0).reshape(2, 2)})},
        {"plan": (content, {**arrays, "x": torch.tensor([0.0, 1.0, 2.0, 4.0])})},
        {"plan": (content, {**arrays, "y": torch.ones((), dtype=torch.uint8)})},
        {"plan": (content, {"x": arrays["x"], "z": arrays["y"]})},
        {"source": (content, arrays)},
        {"plan": (content, arrays), "source": (content, arrays)},
        {"plan": (content, {**arrays, "w": torch.ones(0)})},
        {"plan": (content, {**arrays, "x": torch.arange(4.0).bfloat16()})},
    ):
        mark = fingerprint_of(other)
        assert mark not in found
        found.add(mark)


def test_what_cannot_be_read_has_none(tmp_path: Path) -> None:
    for content in (b"", b"[", b"3", b"[" * 100_000, b"\xff"):
        (tmp_path / "plan.json").write_bytes(content)
        (tmp_path / "weights.safetensors").write_bytes(content)
        assert mark_of(tmp_path, "plan.json") is mark_of(tmp_path, "weights.safetensors") is None
        assert mark_of(tmp_path, "source.json") is None
