import json
import sys
from pathlib import Path

import pytest

from spikewright.cli.main import main


def spikewright(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["spikewright", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_train_writes_a_run_and_the_same_figures_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, figures = tmp_path / "run", tmp_path / "figures.json"
    code = spikewright(
        monkeypatch, "train", "--model", "top0", "--data", "digits", "--levels", 15, "--epochs", 2,
        "--learning-rate", 0.05, "--size", "8x8", "--mean", "0.3", "--std", "0.4", "--out", out,
        "--device", "cpu", "--seed", 3, "--json", figures,
    )  # fmt: skip
    printed = capsys.readouterr()
    assert code == 0, printed.err
    told = json.loads(figures.read_text())
    assert f"test {told['accuracy_test']:.2%}" in printed.out
    assert "levels 15" in printed.out and len(printed.out.splitlines()) == 1
    assert told["settings"]["learning_rate"] == 0.05 and told["seed"] == 3
    stored = json.loads((out / "source.json").read_text())
    assert stored["about"] == told
    assert stored["preparation"]["mean"] == [0.3]
    assert [line.split(":")[0] for line in printed.err.splitlines()] == ["epoch 1/2", "epoch 2/2"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "digits"], "--model"),
        (["--model", "top0"], "--data"),
        (["--model", "top0", "--data", "digits", "--mean", "a"], "--mean is 'a'"),
        (["--model", "top0", "--data", "digits", "--size", "0x8"], "--size is '0x8'"),
        (["--model", "top0", "--data", "digits", "--size", "1x2x3"], "--size"),
        (["--model", "top0", "--data", "digits", "--epochs", "0"], "epochs is 0"),
        (["--model", "top0", "--data", "digits", "--precision", "7"], "precision"),
        (["--model", "topless", "--data", "digits"], "not known"),
        (["--model", "top0", "--data", "/nowhere/at/all"], "/nowhere/at/all"),
        (["--model", "top0", "--data", "digits", "--weights", "/none.pt"], "/none.pt"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = spikewright(monkeypatch, "train", *arguments, "--out", tmp_path / "run")
    err = capsys.readouterr().err
    assert code == 2
    assert words in err and len(err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()
