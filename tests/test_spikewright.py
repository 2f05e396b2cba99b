"""The package's own names: each is what it says, the first time and every time."""

import subprocess
import sys
from types import ModuleType

import pytest

import spikewright as sw


@pytest.mark.parametrize("name", sorted(name for names in sw._HOMES.values() for name in names))
def test_names_stay_what_they_are(name: str) -> None:
    first = getattr(sw, name)
    assert callable(first)
    assert not isinstance(first, ModuleType)
    assert getattr(sw, name) is first
    assert first.__name__ == name


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'transmogrify'"):
        _ = sw.transmogrify


def test_importing_is_light() -> None:
    code = "import sys, spikewright; print(any(name in sys.modules for name in ('torch', 'lightning', 'datasets')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
