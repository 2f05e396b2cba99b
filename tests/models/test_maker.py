"""Whatever a model is named by, it is made for its inputs, looked through and filled."""

from pathlib import Path

import pytest
import torch
from torch import nn

from spikewright.errors import BadFile, BadModel
from spikewright.models import Sizes, build, maker, packages
from spikewright.models.maker import brings_its_sizes, brings_weights

SIZES = Sizes(channels=1, size=(8, 8), classes=3)


class Recorded:
    """A package that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def require(self, name: str) -> None:
        if name == "unknown":
            raise BadModel("not known")

    def has_weights(self, name: str) -> bool:
        return name == "filled"

    def build(self, name: str, sizes: Sizes, arrays: dict[str, object]) -> nn.Module:
        self.asked.append((name, sizes, sorted(arrays)))
        return nn.Linear(2, 1)


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    found = Recorded()
    monkeypatch.setattr(packages, "packages", lambda: {"pack": found})
    return found


def test_a_name_of_the_library() -> None:
    made = maker("cnn", seed=3)(SIZES)
    expected = build("cnn", channels=1, size=(8, 8), classes=3, seed=3).state_dict()
    assert all(torch.equal(expected[name], array) for name, array in made.model.state_dict().items())
    assert made.notes == ()
    assert maker("cnn")(Sizes(channels=1, size=(8, 8))).model(torch.rand(2, 1, 8, 8)).shape == (2, 10)


def test_a_name_of_a_package_is_drawn_from_the_seed(package: Recorded, tmp_path: Path) -> None:
    first, again, other = (maker("pack:net", seed=seed)(SIZES).model.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    file = tmp_path / "w.pt"
    torch.save({"module.weight": torch.ones(1, 2), "module.bias": torch.ones(1)}, file)
    made = maker("pack:net", weights=file)(SIZES)
    assert package.asked[-1] == ("net", SIZES, ["module.bias", "module.weight"])
    assert torch.equal(made.model.weight, torch.ones(1, 2))
    assert len(made.notes) == 1
    assert "names without 'module.' in front" in made.notes[0]


def test_ones_own_in_wrappers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wrapped_own.py").write_text("from torch import nn\ndef net():\n    return nn.DataParallel(nn.Linear(2, 1))\n")
    made = maker("wrapped_own:net")(SIZES)
    assert isinstance(made.model, nn.Linear)
    assert made.notes == ("looked through DataParallel at Linear",)


@pytest.mark.usefixtures("package")
def test_what_can_be_refused_before_there_are_inputs() -> None:
    for name, error in (("topp0", BadModel), ("pack:unknown", BadModel), ("no_such_module:net", BadModel)):
        with pytest.raises(error):
            maker(name)
    with pytest.raises(BadFile, match="no such file"):
        maker("cnn", weights=Path("nowhere.pt"))


@pytest.mark.usefixtures("package")
def test_what_a_name_brings() -> None:
    assert [brings_its_sizes(name) for name in ("cnn", "pack:net", "own:net")] == [False, True, True]
    assert [brings_weights(name) for name in ("cnn", "pack:net", "pack:filled", "own:net")] == [
        False,
        False,
        True,
        False,
    ]
