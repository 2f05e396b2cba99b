"""Networks of timm by name; a package that records what it is asked stands in for it, and the real one where it is."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from spikewright.errors import BadModel
from spikewright.models.from_timm import Timm
from spikewright.models.packages import Sizes

SIZES = Sizes(channels=1, size=(8, 6), classes=4)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What a stand-in for timm was asked for."""
    seen: list[dict[str, Any]] = []

    def create_model(name: str, **settings: Any) -> nn.Module:
        seen.append({"name": name, **settings})
        if name == "broken":
            raise ValueError("no\nsuch thing")
        return nn.Linear(2, 2)

    known = {
        "plain": ("fc", False),
        "patches": ("head", True),
        "broken": ("fc", False),
        "two_heads": (("a", "b"), False),
    }

    def get_pretrained_cfg(name: str) -> Any:
        classifier, fixed = known[name]
        return SimpleNamespace(classifier=classifier, fixed_input_size=fixed)

    stand_in = SimpleNamespace(
        create_model=create_model,
        get_pretrained_cfg=get_pretrained_cfg,
        is_model=lambda name: name in known,
        list_models=lambda: list(known),
    )
    monkeypatch.setitem(sys.modules, "timm", stand_in)  # pyright: ignore[reportArgumentType]
    return seen


def test_it_has_the_channels_and_classes_of_the_data_and_downloads_nothing(asked: list[dict[str, Any]]) -> None:
    Timm().require("plain")
    Timm().build("plain", SIZES, {})
    assert asked == [{"name": "plain", "pretrained": False, "in_chans": 1, "num_classes": 4}]


def test_the_head_is_that_of_the_file(asked: list[dict[str, Any]]) -> None:
    Timm().build("plain", SIZES, {"fc.weight": torch.zeros(1000, 3)})
    Timm().build("two_heads", SIZES, {"fc.weight": torch.zeros(1000, 3)})
    assert [each["num_classes"] for each in asked] == [1000, 4]


def test_one_that_is_made_for_a_size_is_made_for_that_of_the_data(asked: list[dict[str, Any]]) -> None:
    Timm().build("patches", SIZES, {})
    Timm().build("plain", Sizes(channels=3, size=(8, 8)), {})
    assert asked[0]["img_size"] == (8, 6)
    assert asked[1] == {"name": "plain", "pretrained": False, "in_chans": 3}


def test_what_timm_refuses_is_one_line(asked: list[dict[str, Any]]) -> None:
    with pytest.raises(BadModel, match=r"'timm:broken': timm cannot make it with in_chans=1, .*: ValueError: no such"):
        Timm().build("broken", SIZES, {})


@pytest.mark.parametrize(
    ("name", "words"), [("plane", "did you mean 'timm:plain'"), ("", "not known"), ("hub:x", "not")]
)
@pytest.mark.usefixtures("asked")
def test_unknown_names(name: str, words: str) -> None:
    with pytest.raises(BadModel, match=words):
        Timm().require(name)


def test_no_weights_come_with_a_name() -> None:
    assert not Timm().has_weights("resnet18")


def test_the_real_one() -> None:
    pytest.importorskip("timm", exc_type=Exception)
    Timm().require("resnet10t")
    network = Timm().build("resnet10t", SIZES, {}).eval()
    assert network(torch.rand(2, 1, 32, 32)).shape == (2, 4)
