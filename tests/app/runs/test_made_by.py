"""What a run was made by decides whether a command may put another one in its place."""

import json
from pathlib import Path

import pytest
from support.converted import converted

from spikewright.app.runs.made_by import KEY, plain, require_same
from spikewright.errors import BadSetting
from spikewright.interchange.run_folder import save_run

ASKED = {"verb": "convert", "settings": {"timesteps": (1, 2)}, "weight_bits": None}


def saved(folder: Path, **about: object) -> Path:
    save_run(folder, blueprint=converted("conv_bn_relu")[0], about=about)
    return folder


def test_it_comes_back_as_it_is_kept(tmp_path: Path) -> None:
    found = plain(ASKED)
    assert found == {"verb": "convert", "settings": {"timesteps": [1, 2]}, "weight_bits": None}
    assert json.loads(json.dumps(found)) == found
    require_same(saved(tmp_path, **{KEY: found}), found, overwrite=False)


def test_where_there_is_no_run_nothing_is_asked(tmp_path: Path) -> None:
    require_same(tmp_path, plain(ASKED), overwrite=False)
    require_same(tmp_path / "nowhere", plain(ASKED), overwrite=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"verb": "train"}, r"another run \(verb differ\)"),
        ({"settings": {"timesteps": (1, 3)}, "weight_bits": 8}, r"another run \(settings, weight bits differ\)"),
        ({"younger": 1}, r"another run \(younger differ\)"),
    ],
)
def test_what_differs_is_named(change: dict[str, object], words: str, tmp_path: Path) -> None:
    saved(tmp_path, **{KEY: plain(ASKED)})
    with pytest.raises(BadSetting, match=words + ": add --overwrite to replace it, or choose another folder"):
        require_same(tmp_path, plain({**ASKED, **change}), overwrite=False)
    require_same(tmp_path, plain({**ASKED, **change}), overwrite=True)


def test_a_run_that_says_nothing_or_cannot_be_read_is_not_replaced_unasked(tmp_path: Path) -> None:
    saved(tmp_path)
    with pytest.raises(BadSetting, match="does not say what it was made by: add --overwrite"):
        require_same(tmp_path, plain(ASKED), overwrite=False)
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(BadSetting, match=r"is damaged \(.*plan\.json is not valid JSON.*\): add --overwrite"):
        require_same(tmp_path, plain(ASKED), overwrite=False)
    require_same(tmp_path, plain(ASKED), overwrite=True)
