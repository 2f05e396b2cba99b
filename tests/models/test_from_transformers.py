"""Networks of transformers from a folder or configuration; a stand-in for it, and the real one where it is."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from spikewright.errors import BadModel
from spikewright.models.from_transformers import CONFIGURATION, Transformers
from spikewright.models.packages import Sizes

SIZES = Sizes(channels=1, size=(8, 8), classes=4)


class Config:
    def __init__(self, architectures: Any = ()) -> None:
        self.architectures = architectures


class Net(nn.Module):
    config_class = Config

    def __init__(self, config: Config, *, filled: bool = False) -> None:
        super().__init__()
        self.config, self.filled, self.layer = config, filled, nn.Linear(2, 2, dtype=torch.float16)

    @classmethod
    def from_pretrained(cls, folder: Path, *, config: Config, **settings: Any) -> tuple[nn.Module, dict[str, Any]]:
        assert settings == {"local_files_only": True, "output_loading_info": True}
        sys.stderr.write("a bar")
        missing = {"head.weight", "head.bias", "a", "b"} if "without_head" in folder.name else set()
        return cls(config, filled=True), {"missing_keys": missing}


class Auto:
    @staticmethod
    def from_config(config: Config, *, trust_remote_code: bool) -> nn.Module:
        assert not trust_remote_code
        return Net(config)


class AutoConfig:
    @staticmethod
    def from_pretrained(path: Path, *, trust_remote_code: bool) -> Config:
        assert not trust_remote_code
        content = json.loads(path.read_text())
        if "architectures" not in content:
            raise ValueError("no\nmodel type")
        return Config(content["architectures"])


class Logging:
    CRITICAL = 50

    def __init__(self) -> None:
        self.level = 30

    def get_verbosity(self) -> int:
        return self.level

    def set_verbosity(self, level: int) -> None:
        self.level = level


@pytest.fixture(autouse=True)
def package(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stand-in for transformers."""
    stand_in = SimpleNamespace(
        AutoConfig=AutoConfig,
        AutoModel=Auto,
        Net=Net,
        Config=Config,
        number=3,
        utils=SimpleNamespace(logging=Logging()),
    )
    monkeypatch.setitem(sys.modules, "transformers", stand_in)
    return stand_in


def _folder(path: Path, architectures: Any = ("Net",), *, weights: bool = True) -> str:
    path.mkdir()
    (path / CONFIGURATION).write_text(json.dumps({"architectures": architectures}))
    if weights:
        (path / "model.safetensors").write_text("")
    return str(path)


def test_a_folder_gives_the_network_with_its_weights_in_full_precision(
    tmp_path: Path, package: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    name = _folder(tmp_path / "saved")
    Transformers().require(name)
    assert Transformers().has_weights(name)
    network = Transformers().build(name, SIZES, {})
    assert isinstance(network, Net)
    assert network.filled
    assert network.layer.weight.dtype == torch.float32
    assert capsys.readouterr().err == ""
    assert package.utils.logging.level == 30


def test_a_configuration_gives_a_fresh_one(tmp_path: Path) -> None:
    name = _folder(tmp_path / "bare", weights=False)
    with_weights = _folder(tmp_path / "saved")
    for each in (name, f"{name}/{CONFIGURATION}", f"{with_weights}/{CONFIGURATION}"):
        Transformers().require(each)
    assert not Transformers().has_weights(name)
    for each in (name, f"{name}/{CONFIGURATION}", "Net"):
        network = Transformers().build(each, SIZES, {})
        assert isinstance(network, Net)
        assert not network.filled


def test_an_unknown_architecture_is_left_to_the_package(tmp_path: Path) -> None:
    network = Transformers().build(_folder(tmp_path / "other", ["NotThere", "number"], weights=False), SIZES, {})
    assert isinstance(network, Net)
    assert isinstance(Transformers().build(_folder(tmp_path / "none", None, weights=False), SIZES, {}), Net)


def test_weights_that_lack_a_part_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match=r"its weights lack a, b, head.bias and 1 more: save it whole"):
        Transformers().build(_folder(tmp_path / "without_head"), SIZES, {})


def test_what_the_package_refuses_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / CONFIGURATION).write_text("{}")
    with pytest.raises(BadModel, match="transformers cannot make it: ValueError: no model type"):
        Transformers().build(str(folder), SIZES, {})


@pytest.mark.parametrize("name", ["nowhere", "Config", "number", "", "owner/name", "__class__"])
def test_what_is_nothing_of_the_kind(name: str) -> None:
    with pytest.raises(BadModel, match=r"is no folder with a config.json, .*nothing is downloaded") as caught:
        Transformers().require(name)
    assert "\n" not in str(caught.value)


def test_the_real_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "transformers")
    monkeypatch.setitem(sys.modules, "torchaudio", None)
    transformers = pytest.importorskip("transformers", exc_type=Exception)
    made = transformers.ResNetForImageClassification(
        transformers.ResNetConfig(
            num_channels=1, depths=[1], hidden_sizes=[8], embedding_size=8, layer_type="basic", num_labels=4
        )
    )
    made.save_pretrained(tmp_path)
    network = Transformers().build(str(tmp_path), SIZES, {})
    assert all(torch.equal(array, network.state_dict()[name]) for name, array in made.state_dict().items())
