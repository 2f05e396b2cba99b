"""Run the command line in this process."""

import sys

import pytest

from spikewright.app.cli.main import main


def spikewright(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Its exit code."""
    monkeypatch.setattr(sys, "argv", ["spikewright", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 2
) -> str:
    """The single line that it says on stderr when it refuses, and nothing on stdout."""
    assert spikewright(monkeypatch, *arguments) == code
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("spikewright: ")
    return lines[0]
