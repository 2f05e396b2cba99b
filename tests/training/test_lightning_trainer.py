"""Devices: those that were named, refused before anything is done where they are not there."""

from dataclasses import replace

import pytest

from spikewright.errors import BadSetting
from spikewright.training import lightning_trainer as module
from spikewright.training.lightning_trainer import require_device
from spikewright.training.settings import TrainSettings

SETTINGS = TrainSettings(epochs=1, device="cpu")


def test_a_device_that_is_not_there_is_refused() -> None:
    require_device(SETTINGS)
    for device in ("", "quantum", "cuda:99", "cuda:x"):
        with pytest.raises(BadSetting, match=f"device '{device}'"):
            require_device(replace(SETTINGS, device=device))


@pytest.mark.parametrize(
    ("device", "devices", "given"), [("cuda:1", 1, ("cuda", [1])), ("cuda", 2, ("cuda", 2)), ("cpu", 1, ("cpu", 1))]
)
def test_one_device_among_several_is_the_one_that_was_named(
    device: str, devices: int, given: tuple[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[object, object]] = []

    class Noted(Exception):
        pass

    def trainer(**settings: object) -> None:
        seen.append((settings["accelerator"], settings["devices"]))
        raise Noted("enough")

    monkeypatch.setattr(module, "Trainer", trainer)
    with pytest.raises(BadSetting, match="enough"):
        require_device(replace(SETTINGS, device=device, devices=devices))
    assert seen == [given]
    with pytest.raises(BadSetting, match="name one device, as cuda:1"):
        require_device(replace(SETTINGS, device="cuda:1", devices=2))
    assert len(seen) == 1
