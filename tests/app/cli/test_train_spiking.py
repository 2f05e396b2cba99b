"""`spikewright train` of spiking networks, and what the other verbs say to such a run."""

import json
from pathlib import Path

import pytest

from app.cli.running import refused, spikewright

DIGITS = ["--data", "digits", "--epochs", 1, "--device", "cpu"]
TOP0 = ["train", "--model", "top0", *DIGITS]

FACTORIES = """
import torch
from torch import nn


def linear():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))

def pooled():
    pools = nn.AvgPool2d(2), nn.MaxPool2d(2)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), *pools, nn.Flatten(), nn.Linear(16, 10))

def broken():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))
    model[1].weight.data[0, 0] = float("nan")
    return model
"""


def test_a_recipe_with_options_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, figures = tmp_path / "run", tmp_path / "figures.json"
    code = spikewright(
        monkeypatch, *TOP0, "--recipe", "paper3", "--membrane-bits", 2, "--timesteps", 3, "--set", "squash=on",
        "--set", "standardise=channel", "--learn-leak", "--out", out, "--json", figures, "--seed", 4,
    )  # fmt: skip
    printed = capsys.readouterr()
    assert code == 0, printed.err
    reported = json.loads(figures.read_text())
    assert json.loads((out / "plan.json").read_text())["about"] == reported
    assert "spiking, T = 3, 1-bit weights, 2-bit membranes: validation " in printed.out
    assert (
        f"test {reported['accuracy_test']:.2%}, {reported['epochs'][0]['firing_rate']:.3f} spikes a neuron"
        in printed.out
    )
    network = reported["spiking"]["network"]
    assert (network["timesteps"], network["seed"]) == (3, 4)
    assert network["neurons"]["squash"] is True and network["neurons"]["reset"] == "hard"
    assert network["weights"]["standardise"] == "channel" and network["edge_weights"]["bits"] == 8
    assert reported["settings"]["batch_size"] == 256 and reported["settings"]["optimiser"] == "sgd"
    assert [line.split(":")[0] for line in printed.err.splitlines()] == ["epoch 1/1"]


def test_a_silent_stage_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert spikewright(monkeypatch, *TOP0, "--threshold", 1e6, "--out", tmp_path / "run") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "warning: no spike on validation from 2"


def test_the_same_again_resumes_and_anything_else_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    again = [*TOP0, "--recipe", "paper1", "--timesteps", 3, "--out", out, "--resume"]
    assert spikewright(monkeypatch, *again) == 0
    stored = (out / "weights.safetensors").read_bytes()
    assert spikewright(monkeypatch, *again) == 0
    assert (out / "weights.safetensors").read_bytes() == stored
    capsys.readouterr()
    for change, words in (
        (["--timesteps", 4], "network.timesteps was 3, now it is 4"),
        (["--threshold", 0.75], "network.neurons.threshold was 0.5, now it is 0.75"),
        (["--surrogate-width", 2], "network.neurons.surrogate.width was 1.0, now it is 2.0"),
        (["--weight-bits", 1], "network.weights was None, now it is {"),
        (["--loss", "tet"], "loss was sum, now it is tet"),
        (["--seed", 1], "seed was 0, now it is 1"),
        (["--model", "top1"], "belongs to another network"),
    ):
        line = refused(monkeypatch, capsys, *again, *change)
        assert words in line and "--out" in line, line
    line = refused(monkeypatch, capsys, *again[:-1], "--timesteps", 4)
    assert "holds another run (spiking differ): add --overwrite" in line


BAD = [
    (["--membrane-bits", 1], "membrane bits must be in 2..16, got 1: one bit leaves only the value 0"),
    (["--membrane-bits", 0], "got 0"),
    (["--recipe", "paper3", "--membrane-bits", 40], "got 40"),
    (["--weight-bits", 0], "weight-bits is 0: choose 1, 2 to 16, or 32"),
    (["--weight-bits", 17], "weight-bits is 17"),
    (["--edge-bits", 64], "edge-bits is 64"),
    (["--timesteps", 0], "timesteps must be at least 1, got 0"),
    (["--timesteps", "two"], "'--timesteps'"),
    (["--leak", 1.5], "in [0, 1], got 1.5"),
    (["--leak", 1, "--learn-leak"], "not at 1.0: set --leak"),
    (["--neuron", "if", "--leak", 0.5], "take --neuron lif"),
    (["--threshold", 0], "threshold is 0.0"),
    (["--threshold", "nan"], "threshold is nan"),
    (["--recipe", "paper2"], "no recipe named 'paper2': choose one of paper1, paper3"),
    (["--surrogate", "arctan"], "did you mean 'arctangent'"),
    (["--surrogate-width", "inf"], "--surrogate-width is inf: give a finite number"),
    (["--loss", "hinge"], "loss is 'hinge'"),
    (["--loss", "count"], "add --readout spikes"),
    (["--reset", "zero"], "no reset named 'zero'"),
    (["--encoding", "morse"], "encoding is 'morse'"),
    (["--readout", "votes"], "readout is 'votes'"),
    (["--encoding", "frames", "--timesteps", 1], "data 'digits': there is no such folder"),
    (["--encoding", "frames", "--mean", "0.5"], "frames of events have no --mean and --std"),
    (["--rate-penalty", "-1"], "rate-penalty is -1.0"),
    (["--set", "standarise=layer"], "did you mean 'standardise'?"),
    (["--set", "standardise"], "is not key=value"),
    (["--set", "timesteps=2"], "--set timesteps: this has a flag of its own, --timesteps"),
    (["--set", "squash=perhaps"], "squash is 'perhaps': choose true or false"),
    (["--recipe", "paper3", "--set", "estimator=none"], "estimator is 'none'"),
    (["--levels", 4, "--recipe", "paper1"], "--levels is for networks that will be converted"),
    (["--learn-timesteps", "--recipe", "paper1"], "--learn-timesteps is for networks that will be converted"),
    (["--sparsity", "1e-6", "--recipe", "paper1"], "--sparsity"),
    (["--mean", "0.5", "--recipe", "paper1"], "leave out --mean and --std"),
    (["--batch-size", 0, "--recipe", "paper1"], "batch-size is 0"),
    (["--optimiser", "lion", "--recipe", "paper1"], "optimiser is 'lion'"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD, ids=[" ".join(map(str, given)) for given, _ in BAD])
def test_bad_input_is_one_line_and_code_2(
    arguments: list[object],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert words in refused(monkeypatch, capsys, *TOP0, *arguments, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("linear", "no ReLU that a neuron could take the place of"),
        ("pooled", "reads spikes that were joined, averaged, scaled or normalised"),
        ("broken", "not finite"),
    ],
)
def test_models_that_cannot_be_trained_so(
    factory: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "spiky.py").write_text(FACTORIES)
    monkeypatch.chdir(tmp_path)
    arguments = ["train", "--model", f"spiky:{factory}", *DIGITS, "--recipe", "paper3", "--out", tmp_path / "run"]
    assert words in refused(monkeypatch, capsys, *arguments)
    assert not (tmp_path / "run").exists()


def test_the_other_verbs_on_a_directly_trained_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, figures = tmp_path / "run", tmp_path / "figures.json"
    assert spikewright(monkeypatch, *TOP0, "--recipe", "paper3", "--out", run) == 0
    capsys.readouterr()
    for verb in (
        ["convert", run, "--out", tmp_path / "c"],
        ["verify", run],
        ["compare", run],
        ["train", "--from", run, "--levels", 3, "--out", tmp_path / "c"],
        ["train", "--from", run, "--recipe", "paper1", "--out", tmp_path / "c"],
    ):
        line = refused(monkeypatch, capsys, *verb)
        assert "it was trained directly" in line and str(run) in line
        assert not (tmp_path / "c").exists()
    assert spikewright(monkeypatch, "evaluate", run, "--images", 60, "--json", figures) == 0
    reported = json.loads(figures.read_text())
    assert reported["accuracy_source"] is None and reported["samples"] == 60 and reported["mismatched_codes"] == 0
    written = (run / "plan.json").read_text()
    content = json.loads(written)
    content["plan"]["inputs"][0]["preparation"] = {"mean": "x"}
    (run / "plan.json").write_text(json.dumps(content))
    capsys.readouterr()
    assert "plan.json: plan.inputs.0.preparation" in refused(monkeypatch, capsys, "evaluate", run)
    (run / "plan.json").write_text(written)
    weights = run / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-3])
    assert "weights.safetensors cannot be read" in refused(monkeypatch, capsys, "evaluate", run)
