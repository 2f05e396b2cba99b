import json
from pathlib import Path

import pytest

from app.cli.running import spikewright
from spikewright.training.timesteps.settings import TimestepSettings

DIGITS = ["--model", "top0", "--data", "digits"]


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
    reported = json.loads(figures.read_text())
    assert f"test {reported['accuracy_test']:.2%}" in printed.out
    assert "levels 15" in printed.out and len(printed.out.splitlines()) == 1
    assert reported["settings"]["learning_rate"] == 0.05 and reported["seed"] == 3
    stored = json.loads((out / "source.json").read_text())
    assert stored["about"] == reported
    assert stored["preparation"]["mean"] == [0.3]
    assert [line.split(":")[0] for line in printed.err.splitlines()] == ["epoch 1/2", "epoch 2/2"]


def test_learned_timesteps_are_named_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    relu, out = tmp_path / "relu", tmp_path / "q"
    common = ["train", "--data", "digits", "--device", "cpu", "--epochs", 1]
    assert spikewright(monkeypatch, *common, "--model", "top1", "--out", relu) == 0
    capsys.readouterr()
    learn = [*common, "--from", relu, "--learn-timesteps"]
    code = spikewright(
        monkeypatch, *learn, "--target-timesteps", 2.5, "--timestep-penalty", 0.07, "--timestep-weighting",
        "neurons", "--parametrisation", "n_alpha", "--initial-timesteps", 5, "--out", out,
    )  # fmt: skip
    printed = capsys.readouterr()
    assert code == 0, printed.err
    about = json.loads((out / "source.json").read_text())["about"]
    assert about["settings"]["timesteps"] == {
        "target_timesteps": 2.5, "timestep_penalty": 0.07, "timestep_weighting": "neurons",
        "parametrisation": "n_alpha", "timestep_rate": TimestepSettings().timestep_rate,
    }  # fmt: skip
    steps = list(about["timesteps"].values())
    mean = f"mean timesteps {sum(steps) / 2:.2f}"
    assert f"{mean} ({steps[0]}, {steps[1]}): validation" in printed.out.splitlines()[-1]
    assert f", {mean}, " in printed.err
    still = [*learn, "--target-timesteps", 1, "--timestep-penalty", 0, "--out", tmp_path / "still"]
    assert spikewright(monkeypatch, *still) == 0
    note, line = capsys.readouterr().out.splitlines()
    assert note.startswith("note: mean timesteps came down to ") and "not 1.0" in note
    assert "mean timesteps" in line


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
        ([*DIGITS, "--target-timesteps", "2.5"], "--learn-timesteps"),
        ([*DIGITS, "--parametrisation", "n_d"], "--learn-timesteps"),
        ([*DIGITS, "--initial-timesteps", "4"], "--learn-timesteps"),
        ([*DIGITS, "--learn-timesteps", "--target-timesteps", "0.5"], "target-timesteps is 0.5"),
        ([*DIGITS, "--learn-timesteps", "--target-timesteps", "nan"], "target-timesteps is nan"),
        ([*DIGITS, "--learn-timesteps", "--timestep-penalty", "-1"], "timestep-penalty is -1.0"),
        ([*DIGITS, "--learn-timesteps", "--timestep-weighting", "layers"], "uniform, neurons, synops"),
        ([*DIGITS, "--learn-timesteps", "--parametrisation", "t"], "t_alpha, n_alpha, n_d, d_alpha"),
        ([*DIGITS, "--learn-timesteps", "--initial-timesteps", "0"], "initial-timesteps is 0"),
        ([*DIGITS, "--learn-timesteps", "--levels", "4"], "--levels"),
        ([*DIGITS, "--learn-timesteps", "--sparsity", "1e-6"], "sparsity"),
        ([*DIGITS, "--slip", "0.4"], "--levels"),
        ([*DIGITS, "--slip", "0.4", "--learn-timesteps"], "--levels"),
        ([*DIGITS, "--slip", "1", "--levels", "4"], "slip is 1.0"),
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
