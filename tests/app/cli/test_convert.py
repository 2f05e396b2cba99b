"""`convert` in a terminal: what it says, its exit codes, and one line for whatever is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.trained import run_folder

from app.cli.running import refused, spikewright
from spikewright.app.runs import convert as module
from spikewright.conversion.auto import Auto
from spikewright.interchange.run_folder import load_blueprint


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_folder(tmp_path / "run")


def test_mixed_timesteps_are_told_in_one_line_and_kept(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, figures = tmp_path / "out", tmp_path / "figures.json"
    arguments = ["--method", "qac", "--timesteps", "4,2", "--alignment", "average,truncate", "--set", "scale=2"]
    assert spikewright(monkeypatch, "convert", run, *arguments, "--out", out, "--json", figures) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines() == [
        f"{out}: 2 stages of 4 to 8 timesteps, 6.00 on average, 8 steps from image to result; thresholds: "
        f"from 512 training images; not exact; next: spikewright evaluate {out}"
    ]
    how = json.loads(figures.read_text())["conversion"]
    assert how["settings"] == {"timesteps": [4, 2], "scale": 2, "alignment": "average,truncate"}
    assert load_blueprint(out)[1]["conversion"] == how


def test_exact_is_the_default_and_a_warm_up_is_named(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert spikewright(monkeypatch, "convert", run, "--out", tmp_path / "exact") == 0
    line = capsys.readouterr().out
    assert "2 stages of 4 timesteps, 8 steps" in line
    assert f"next: spikewright verify {tmp_path / 'exact'}" in line
    assert spikewright(monkeypatch, "convert", run, "--method", "srp", "--timesteps", 1, "--out", tmp_path / "srp") == 0
    assert "2 stages of 1 timestep after a warm-up of 4, 5 steps" in capsys.readouterr().out


def test_learned_timesteps_need_no_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_folder(tmp_path / "learned", 5, 3)
    assert spikewright(monkeypatch, "convert", run, "--method", "qac", "--out", tmp_path / "out") == 0
    line = capsys.readouterr().out
    assert "2 stages of 3 to 5 timesteps, 4.00 on average, 8 steps" in line
    assert "thresholds: trained; next: spikewright verify" in line


def test_calibration_is_named_and_can_be_interrupted(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["convert", run, "--method", "percentile_norm", "--calibrate", "--calibration-epochs", 3]
    arguments += ["--calibration", 100, "--out", out]
    original = module.run_conversion

    def interrupted(*given: Any, on_progress: Any, **more: Any) -> Any:
        def stop(what: str, done: int, of: int) -> None:
            on_progress(what, done, of)
            if what == "calibration" and done == 2:
                raise KeyboardInterrupt

        return original(*given, on_progress=stop, **more)

    monkeypatch.setattr(module, "run_conversion", interrupted)
    assert refused(monkeypatch, capsys, *arguments, code=130) == "spikewright: interrupted; what was finished is kept"
    assert [path.name for path in out.iterdir()] == [module.STATE]
    monkeypatch.setattr(module, "run_conversion", original)
    again = refused(monkeypatch, capsys, *arguments[:-3], 99, "--out", out)
    assert "of another calibration (settings, inputs or network): delete it to begin again" in again
    assert spikewright(monkeypatch, *arguments) == 0
    assert "from 100 training images, calibrated on 100 training images; not exact" in capsys.readouterr().out
    assert not (out / module.STATE).exists()


def test_auto_says_what_it_chose_or_leaves_with_1(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "Auto", lambda **more: Auto(most_timesteps={"exact": 4}, **more))
    arguments = ["convert", run, "--method", "auto", "--max-accuracy-drop", 3, "--out", tmp_path / "out"]
    assert spikewright(monkeypatch, *arguments) == 0
    said = capsys.readouterr()
    chose, written = said.out.splitlines()
    assert chose.startswith("chose exact, timesteps ") and "validation samples, source 94.85%" in chose
    assert "stages of" in written and said.err == ""
    monkeypatch.setattr(module, "Auto", lambda **more: Auto(most_timesteps={"exact": 1}, **more))
    line = refused(monkeypatch, capsys, "convert", run, "--method", "auto", "--out", tmp_path / "none", code=1)
    assert "nothing that was tried holds a drop of 1 points" in line and "allow a larger drop" in line
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "qcfs", "--timesteps", "4,3"], "cannot use timesteps 4,3: give one number"),
        (["--method", "qac", "--timesteps", "4,3,2"], "timesteps gives 3 numbers, the source has 2 activations"),
        (["--method", "exact", "--timesteps", "4,3,2"], "timesteps gives 3 numbers, the source has 2 activations"),
        (["--method", "qac", "--timesteps", "four"], "--timesteps is 'four': give a whole number"),
        (["--method", "qac", "--timesteps", "4,"], "--timesteps is '4,': give a whole number"),
        (["--method", "qac", "--timesteps", "4,0"], "timesteps must be in 1..65536, got 0"),
        (["--method", "exact", "--timesteps", "17"], "timesteps must be in 1..16 for the exact method, got 17"),
        (["--method", "qac"], "has learned no timesteps: give timesteps, or train the source with"),
        (["--method", "qac", "--timesteps", "3", "--alignment", "nearest"], "no alignment named 'nearest'"),
        (["--method", "qac", "--timesteps", "3", "--alignment", "truncate"], "truncate cannot expand a train"),
        (["--method", "qac", "--timesteps", "3", "--alignment", "average,average,average"], "as expansion,reduction"),
        (["--alignment", "average"], "Exact has no setting 'alignment'"),
        (["--method", "qcfs", "--max-accuracy-drop", "1"], "--max-accuracy-drop is for --method auto"),
        (["--method", "auto", "--timesteps", "4"], "--method auto finds timesteps and settings itself"),
        (["--method", "auto", "--calibrate"], "--method auto finds timesteps and settings itself"),
        (["--method", "auto", "--max-accuracy-drop", "-1"], "must be at least 0 points, got -1.0"),
        (["--method", "auto", "--max-accuracy-drop", "nan"], "--max-accuracy-drop is nan: give a finite number"),
        (["--calibration-epochs", "3"], "--calibration-epochs is for --calibrate"),
        (["--calibrate", "--calibration-epochs", "0"], "epochs must be at least 1, got 0"),
        (["--method", "snm", "--calibrate"], "fires by 'signed' under 'lockstep', which it cannot train"),
        (["--method", "slip_relu"], "slip_relu: the source was not trained with it"),
        (["--method", "nope"], "no method named 'nope': choose among cos, exact"),
        (["--method", "cos", "--set", "rounds"], "--set 'rounds' is not key=value"),
        (["--method", "cos", "--set", "rounds=0"], "at least 1 round, got 0"),
        (["--calibration", "0"], "--calibration is 0, but must be at least 1"),
        (["--calibration", "some"], "Invalid value for '--calibration'"),
        (["--device", "cuda"], "runs on the CPU in float64, not on 'cuda'"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_code_2(
    arguments: list[str],
    words: str,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert words in refused(monkeypatch, capsys, "convert", run, *arguments, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("more", [["--calibrate"], ["--method", "mean_norm"], ["--method", "snnc_light"]])
def test_what_looks_at_data_says_so_where_there_is_none(
    more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_folder(tmp_path / "dataless", 5, 5, data=None)
    line = refused(monkeypatch, capsys, "convert", run, *more, "--out", tmp_path / "out")
    assert ("give --data" in line) == ("mean_norm" not in more)


def test_a_folder_to_write_and_one_to_read_are_needed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "give --out" in refused(monkeypatch, capsys, "convert", run)
    assert "either a run folder or --model" in refused(monkeypatch, capsys, "convert", "--out", tmp_path / "out")
    line = refused(monkeypatch, capsys, "convert", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert f"no run folder at {tmp_path / 'nowhere'}" in line
