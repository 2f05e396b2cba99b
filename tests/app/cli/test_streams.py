"""Output that cannot be delivered: the work is done all the same, files are whole, and nobody sees a traceback."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.trained import run_folder

from app.cli.running import spikewright
from spikewright.app.cli.console import Printer, console, table
from spikewright.app.cli.streams import TYPED, forgive, undelivered
from spikewright.errors import BadFile

ENCODINGS = ("latin-1", "ascii", "cp437", "cp850", "shift_jis", "euc_kr")
START = "from spikewright.app.cli.main import main; main()"
SPECIAL = "a × b → c … d − e ± f — g ≠ h ≤ i ∞ j µ k 中"


def in_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> io.BytesIO:
    """What is printed from now on, in bytes."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding, write_through=True))
    return written


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_characters_that_a_terminal_lacks_are_typed(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = in_encoding(monkeypatch, encoding)
    forgive()
    Printer(highlight=False, markup=False, width=160).print(table("t", (SPECIAL,), [("×",)]))
    said = written.getvalue().decode(encoding)
    for before, after in zip(SPECIAL.split(), said.splitlines()[1].split(), strict=True):
        assert after in (before, TYPED.get(before), r"\u4e2d")
    assert written.getvalue().isascii() or encoding != "ascii"


def test_in_ascii_they_are_what_people_type(monkeypatch: pytest.MonkeyPatch) -> None:
    written = in_encoding(monkeypatch, "ascii")
    forgive()
    sys.stdout.write(SPECIAL)
    assert written.getvalue() == rb"a x b -> c ... d - e +/- f - g != h <= i inf j u k \u4e2d"


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    run = run_folder(tmp_path / "run")
    assert spikewright(monkeypatch, "convert", run, "--out", tmp_path / "snn", "--timesteps", 2, "--quiet") == 0
    return tmp_path / "snn"


@pytest.mark.parametrize("encoding", ["ascii", "shift_jis"])
def test_a_verb_prints_and_writes_in_any_encoding(
    encoding: str, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, figures = in_encoding(monkeypatch, encoding), tmp_path / "figures.json"
    assert spikewright(monkeypatch, "evaluate", network, "--images", 30, "--json", figures) == 0
    said = written.getvalue().decode(encoding)
    assert ("x less" if encoding == "ascii" else "× less") in said
    assert json.loads(figures.read_text())["samples"] == 30


class Refusing(io.StringIO):
    """A stream that takes nothing."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str, /) -> int:
        raise self.error


VERBS = (
    ("evaluate", "--images", 20), ("verify", "--images", 20), ("doctor",), ("bench", "--rounds", 1, "--batch", 2),
    ("inject", "--maps", 2, "--images", 10, "--ber", "0.01"),
)  # fmt: skip


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_files_are_written_before_anything_is_printed(
    verb: tuple[object, ...],
    network: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, *options = verb
    run = [] if name == "doctor" else [network]
    pages = [tmp_path / "page.html"] if name == "inject" else []
    options += ["--json", tmp_path / "figures.json", *(["--page", *pages] if pages else [])]
    monkeypatch.setattr(sys, "stdout", Refusing(OSError(28, "No space left on device")))
    monkeypatch.setattr(console, "quiet", False)  # and again at the end
    assert spikewright(monkeypatch, name, *run, *options) == 2
    assert json.loads((tmp_path / "figures.json").read_text())
    assert all(page.is_file() for page in pages)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("spikewright: stdout cannot be written to (no space left on device): print elsewhere")


def test_a_reader_who_leaves_is_no_fault(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    monkeypatch.setattr(sys, "stdout", Refusing(BrokenPipeError(32, "Broken pipe")))
    monkeypatch.setattr(console, "quiet", False)  # and again at the end
    assert spikewright(monkeypatch, "evaluate", network, "--images", 20, "--json", figures) == 0
    assert capsys.readouterr().err == ""
    assert figures.is_file()


def test_progress_that_cannot_be_shown_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Refusing(OSError(28, "No space left on device")))
    screen = Printer(stderr=True)
    screen.print("epoch 1")
    assert screen.quiet
    monkeypatch.setattr(sys, "stdout", Refusing(OSError(28, "No space left on device")))
    with pytest.raises(BadFile, match=r"stdout cannot be written to \(no space left on device\)"):
        Printer().print("figures")


def test_only_what_waits_is_undelivered() -> None:
    assert undelivered(None) is undelivered(io.StringIO()) is None
    closed = io.StringIO()
    closed.close()
    assert undelivered(closed) is None


@pytest.mark.skipif(os.name != "posix", reason="needs a shell and /dev/full")
@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [("| true", 0, ""), (">&-", 0, ""), ("> /dev/full", 2, "spikewright: stdout cannot be written to (no space left")],
)
def test_streams_of_a_real_process(redirected: str, code: int, said: str) -> None:
    command = f"set -o pipefail; {sys.executable} -c '{START}' doctor {redirected}"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert found.returncode == code, found.stderr
    assert found.stderr.startswith(said) and len(found.stderr.splitlines()) == bool(said)
