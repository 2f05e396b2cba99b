"""The state of an interrupted calibration, there and back."""

from pathlib import Path

import pytest
import torch

from spikewright.conversion.calibrators._state import load_state, save_state
from spikewright.errors import BadFile

IDENTITY = {"settings": {"epochs": 3, "rate": 0.1}, "inputs": (4, 1.5)}


def test_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.safetensors"
    parameter = torch.tensor([1.5, -2.0], requires_grad=True)
    shared = torch.ones(2, 3)
    save_state(path, {"a": parameter, "b": shared, "c": shared.T}, {"identity": IDENTITY, "epoch": 2})
    tensors, about = load_state(path, identity=IDENTITY)
    assert about == {"identity": {**IDENTITY, "inputs": [4, 1.5]}, "epoch": 2}
    assert set(tensors) == {"a", "b", "c"}
    assert torch.equal(tensors["a"], parameter.detach())
    assert tensors["c"].shape == (3, 2)
    assert not any(value.requires_grad for value in tensors.values())
    assert [each.name for each in path.parent.iterdir()] == [path.name]  # no part of one beside it


def test_a_newer_state_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "state"
    for epoch in (1, 2):
        save_state(path, {"a": torch.full((2,), float(epoch))}, {"identity": IDENTITY, "epoch": epoch})
    tensors, about = load_state(path, identity=IDENTITY)
    assert (about["epoch"], tensors["a"].tolist()) == (2, [2, 2])


def test_another_identity_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_state(path, {"a": torch.ones(2)}, {"identity": IDENTITY})
    with pytest.raises(BadFile, match=r"state is of another calibration .*: delete it to begin again"):
        load_state(path, identity={**IDENTITY, "inputs": (5, 1.5)})


@pytest.mark.parametrize("damage", ["nothing", "half", "letters", "without about"])
def test_a_damaged_file_is_refused(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_state(path, {"a": torch.ones(50)}, {"identity": IDENTITY})
    if damage == "without about":
        from safetensors.torch import save_file

        save_file({"a": torch.ones(2)}, path)
    else:
        whole = path.read_bytes()
        path.write_bytes({"nothing": b"", "half": whole[: len(whole) // 2], "letters": b"abc" * 100}[damage])
    with pytest.raises(BadFile, match=r"state cannot be read .*damaged; delete it to begin again"):
        load_state(path, identity=IDENTITY)
