"""tonic is imported when it is needed, and asked for in one line where it is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

from spikewright.data.events.through_tonic import reader
from spikewright.errors import BadSetting


def test_the_reader_is_tonic_s() -> None:
    tonic = pytest.importorskip("tonic.io")
    assert reader("read_mnist_file", file=Path("1.bin")) is tonic.read_mnist_file


def test_without_tonic_the_way_out_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "tonic"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tonic", None)
    message = r"^1\.bin: reading it takes tonic.*, which is not installed: pip install 'spikewright\[events\]'$"
    with pytest.raises(BadSetting, match=message):
        reader("read_mnist_file", file=Path("1.bin"))


def test_the_package_does_without_until_then() -> None:
    code = "import sys, spikewright.data, spikewright.data.events.load; sys.exit('tonic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
