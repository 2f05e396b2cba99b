"""The package's own names: each is what it says, the first time and every time; what they are is shown."""

import subprocess
import sys
from dataclasses import is_dataclass
from types import ModuleType

import pytest

import spikewright as sw


@pytest.mark.parametrize("name", sorted(sw._HOMES))
def test_names_stay_what_they_are(name: str) -> None:
    first = getattr(sw, name)
    assert callable(first)
    assert not isinstance(first, ModuleType)
    assert getattr(sw, name) is first
    assert getattr(first, "__name__", name) == name


def test_every_name_is_listed_and_there_is_no_other() -> None:
    verbs = ["capture", "convert", "verify", "evaluate", "load", "save", "train"]
    verbs += ["search", "compare", "inject", "calibrate", "check", "engine"]
    assert set(verbs) <= set(sw.__all__) <= set(dir(sw))
    for wing in (sw.data, sw.measure):
        assert set(wing.__all__) == set(dir(wing))
        for name in wing.__all__:
            assert getattr(wing, name).__name__ == name, name
            assert getattr(wing, name) is getattr(wing, name)
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            _ = wing.nothing


def test_nouns_are_the_classes_of_their_folder() -> None:
    assert sw.methods.Exact is sw.Exact
    assert sw.methods.PercentileNorm(timesteps=8).timesteps == 8
    assert sw.faults.BitFlip is sw.BitFlip
    assert "HardReset" in dir(sw.methods)
    assert "LostSpikes" in repr(sw.faults)
    for nouns in (sw.methods, sw.faults, sw.calibrators):
        assert all(is_dataclass(getattr(nouns, name)) for name in dir(nouns))
    with pytest.raises(AttributeError, match=r"there is no 'Exakt' among methods: there are .*Exact"):
        _ = sw.methods.Exakt
    with pytest.raises(AttributeError, match="there is no 'exact'"):
        _ = sw.methods.exact


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'transmogrify'"):
        _ = sw.transmogrify


def test_importing_is_light() -> None:
    code = "import sys, spikewright; print(any(name in sys.modules for name in ('torch', 'lightning', 'datasets')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
