"""The verbs as a whole: exit codes, and one line on stderr."""

import importlib

import pytest
import typer

from app.cli.running import refused, spikewright
from spikewright import __version__
from spikewright.errors import BadData, NoneFound

main = importlib.import_module("spikewright.app.cli.main")
VERBS = ("demo", "train", "check", "convert", "verify", "evaluate", "compare", "bench", "memory", "doctor")


def test_version_and_help_leave_with_0(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert spikewright(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.strip() == f"spikewright {__version__}"
    for arguments in ([], ["--help"]):
        assert spikewright(monkeypatch, *arguments) == 0
        said = capsys.readouterr().out
        assert all(verb in said for verb in VERBS)


@pytest.mark.parametrize(
    ("raised", "code", "line"),
    [
        (BadData("the data\n is   empty"), 2, "spikewright: the data is empty"),
        (NoneFound("nothing holds"), 1, "spikewright: nothing holds"),
        (KeyboardInterrupt(), 130, "spikewright: interrupted; what was finished is kept"),
        (typer.Abort(), 130, "spikewright: interrupted; what was finished is kept"),
        (typer.BadParameter("no such thing"), 2, "spikewright: Invalid value: no such thing"),
    ],
)
def test_what_is_raised_becomes_a_line_and_a_code(
    raised: BaseException, code: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise raised

    monkeypatch.setattr(main, "app", lambda **more: app(**{**more, "args": []}))
    assert refused(monkeypatch, capsys, code=code) == line


def test_a_fault_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "app", lambda **more: app(**{**more, "args": []}))
    monkeypatch.setattr("sys.argv", ["spikewright"])
    with pytest.raises(ZeroDivisionError):
        main.main()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], "No such command 'nope'"),
        (["convert", "--nope"], "No such option: --nope"),
        (["compare"], "Missing argument 'RUN'"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_code_2(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refused(monkeypatch, capsys, *arguments)
