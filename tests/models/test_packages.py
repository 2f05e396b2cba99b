"""Names of packages: told from others, and refused in one line where the package is not there."""

import sys
from types import ModuleType

import pytest
import torch

from spikewright.errors import BadModel
from spikewright.models.packages import imported, package_of, rows_of


def test_a_name_begins_with_its_package() -> None:
    found = package_of("timm:resnet18")
    assert found is not None
    assert found[1] == "resnet18"
    folder = package_of("hf:some/folder")
    assert folder is not None
    assert folder[1] == "some/folder"
    assert type(found[0]) is not type(folder[0])


@pytest.mark.parametrize("spec", ["cnn", "timm", "own:net", "hf", "timm.models:resnet18"])
def test_other_names_are_none(spec: str) -> None:
    assert package_of(spec) is None


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(BadModel, match=r"model 'timm:x': the package timm is not installed: pip install timm"):
        imported("timm", "timm:x")


def test_a_package_whose_own_need_is_not_installed(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "needs_another_one.py").write_text("import nowhere_to_be_found\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadModel, match="the package nowhere_to_be_found is not installed"):
        imported("needs_another_one", "hf:x")


def test_a_package_that_cannot_be_imported(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_when_imported.py").write_text("raise RuntimeError('no\\nlibrary')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadModel, match="importing broken_when_imported failed with RuntimeError: no library") as caught:
        imported("broken_when_imported", "hf:x")
    assert "\n" not in str(caught.value)


def test_one_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    there = ModuleType("timm")
    monkeypatch.setitem(sys.modules, "timm", there)
    assert imported("timm", "timm:x") is there


def test_rows_of_a_head() -> None:
    arrays = {"fc.weight": torch.zeros(7, 3), "odd.weight": 3, "number.weight": torch.zeros(())}
    assert rows_of(arrays, "fc") == 7
    assert [rows_of(arrays, name) for name in ("head", "odd", "number")] == [None] * 3
