"""What the doctor finds follows what is there."""

import importlib
import sys
from pathlib import Path

import pytest

from spikewright.app.runs.doctor import EXTRAS, DoctorRequest, run


def test_extras_are_installed_or_named_with_the_way_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    present = {extra for extra, package in EXTRAS.items() if importlib.util.find_spec(package)}
    found = run(DoctorRequest()).found
    for extra in EXTRAS:
        wanted = "installed" if extra in present else f"pip install spikewright[{extra}]"
        assert found[f"extra {extra}"] == wanted
    monkeypatch.setattr(sys.modules["spikewright.app.runs.doctor"], "find_spec", lambda _: None)
    assert run(DoctorRequest()).found["extra events"] == "pip install spikewright[events]"


def test_event_data_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nmnist").mkdir()
    monkeypatch.setenv("SPIKEWRIGHT_DATA", str(tmp_path))
    found = run(DoctorRequest()).found
    assert found["data nmnist"] == f"{tmp_path}/nmnist"
    assert found["data dvs_gesture"].startswith("not there")
    monkeypatch.delenv("SPIKEWRIGHT_DATA")
    assert run(DoctorRequest()).found["data nmnist"].startswith("not there")


def test_fewer_bits_than_float32_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(DoctorRequest()).found["float32 products"] == "in full"
    monkeypatch.setenv("ONEDNN_DEFAULT_FPMATH_MODE", "BF16")
    assert run(DoctorRequest()).found["float32 products"].endswith("unset ONEDNN_DEFAULT_FPMATH_MODE")
