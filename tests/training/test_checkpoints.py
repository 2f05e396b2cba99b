from pathlib import Path

import pytest
import torch

from spikewright.errors import BadFile, BadSetting
from spikewright.training.checkpoints import newest, require_same

STATE = {"w": torch.zeros(2, 3)}


def saved(path: Path, **identity: object) -> Path:
    torch.save({"identity": identity, "state_dict": STATE}, path)
    return path


def test_the_latest_epoch_is_the_newest_by_number(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    for name in ("epoch-9.ckpt", "epoch-10.ckpt", "other.ckpt", "epoch-99.txt"):
        (tmp_path / name).touch()
    assert newest(tmp_path) == tmp_path / "epoch-10.ckpt"


def test_the_same_training_passes_on_another_device(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ckpt", seed=1, device="cuda", devices=4)
    require_same(path, identity={"seed": 1, "device": "cpu", "devices": 1}, state=STATE)


def test_another_training_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ckpt", seed=1, data="abc")
    with pytest.raises(BadSetting, match="seed was 1, now it is 2"):
        require_same(path, identity={"seed": 2, "data": "abc"}, state=STATE)
    with pytest.raises(BadSetting, match="other data"):
        require_same(path, identity={"seed": 1, "data": "abd"}, state=STATE)
    with pytest.raises(BadSetting, match="another network"):
        require_same(path, identity={"seed": 1, "data": "abc"}, state={"w": torch.zeros(3, 3)})


def test_a_setting_younger_than_the_checkpoint_counts_as_off(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ckpt", seed=1)
    require_same(path, identity={"seed": 1, "mirror": False, "event_drop": 0.0, "of": None}, state=STATE)
    with pytest.raises(BadSetting, match="mirror was None, now it is True"):
        require_same(path, identity={"seed": 1, "mirror": True}, state=STATE)


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(content)
    with pytest.raises(BadFile, match="cannot be read"):
        require_same(path, identity={}, state=STATE)


def test_a_file_that_holds_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    torch.save({"identity": {}, "state_dict": STATE, "code": Path.cwd}, path)
    with pytest.raises(BadFile):
        require_same(path, identity={}, state=STATE)


@pytest.mark.parametrize(
    "content", [{"identity": float("inf"), "state_dict": STATE}, {"identity": {}, "state_dict": {"w": 3}}, [1], 2.0]
)
def test_what_is_no_checkpoint_inside_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(BadFile, match=r"a\.ckpt: cannot be read \(.*\): delete it and train again"):
        require_same(tmp_path / "a.ckpt", identity={"seed": 1}, state=STATE)
