"""`compare` in a terminal: its table, its JSON, and what an interruption leaves."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.trained import run_folder

from app.cli.running import refused, spikewright
from spikewright.app.runs import compare as module
from spikewright.app.runs.compare import PAGE, ROWS

CONTRACT = {
    "method", "timesteps", "timesteps_mean", "latency_steps", "accuracy_snn", "accuracy_source", "energy_joules_snn",
    "spikes_per_neuron",
}  # fmt: skip
SMALL = ["--methods", "exact,cos:rounds=2", "--timesteps", "2,3", "--images", "60", "--calibration", "60"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_folder(tmp_path / "run")


def test_rows_are_told_as_a_table_and_as_json(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    assert spikewright(monkeypatch, "compare", run, *SMALL, "--json", figures) == 0
    said = capsys.readouterr()
    assert said.err == ""
    rows = json.loads(figures.read_text())
    assert [set(row) for row in rows] == [CONTRACT] * 4
    title, header, *lines, where = said.out.splitlines()
    assert title.strip() == f"{run}: source {rows[0]['accuracy_source']:.2%}, test images, energy by horowitz_int32"
    assert header.split("  ")[0] == "method"
    assert where == f"rows: {run / 'compare' / ROWS}; page: {run / 'compare' / PAGE}"
    for row, line in zip(rows, lines, strict=True):
        cells = line.split()
        assert cells[:2] == [row["method"], str(row["timesteps"])]
        assert int(cells[3]) == row["latency_steps"]
        assert cells[4] == f"{row['accuracy_snn']:.2%}"
        assert cells[5] == f"{100 * (row['accuracy_snn'] - row['accuracy_source']):+.2f}"
        assert float(cells[6]) == pytest.approx(row["spikes_per_neuron"], abs=0.005)
        assert cells[8] == "nJ" and float(cells[7]) == pytest.approx(row["energy_joules_snn"] * 1e9, abs=0.005)
    assert [row["latency_steps"] for row in rows] == [4, 6, 2 * 2 + 2, 2 * 3 + 3]


@pytest.mark.parametrize("after", [1, 3])
def test_interrupted_it_leaves_with_130_keeps_its_rows_and_goes_on(
    after: int, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, original = tmp_path / "figures.json", module.run
    assert spikewright(monkeypatch, "compare", run, *SMALL, "--out", tmp_path / "whole", "--json", figures) == 0
    whole, table = json.loads(figures.read_text()), capsys.readouterr().out.splitlines()[:-1]
    figures.unlink()

    def interrupted(request: Any, *, on_progress: Any) -> Any:
        def stop(what: str, done: int, of: int) -> None:
            on_progress(what, done, of)
            if what == "rows" and done == after:
                raise KeyboardInterrupt

        return original(request, on_progress=stop)

    arguments = ["compare", run, *SMALL, "--json", figures]
    monkeypatch.setattr(module, "run", interrupted)
    assert refused(monkeypatch, capsys, *arguments, code=130) == "spikewright: interrupted; what was finished is kept"
    assert not figures.exists()
    assert json.loads((run / "compare" / ROWS).read_text())["rows"] == whole[:after]
    made: list[object] = []

    def counted(source: Any, method: Any, *rest: Any, **more: Any) -> Any:
        made.append(method)
        return convert(source, method, *rest, **more)

    convert = module.convert
    monkeypatch.setattr(module, "run", original)
    monkeypatch.setattr(module, "convert", counted)
    assert spikewright(monkeypatch, *arguments) == 0
    assert len(made) == 4 - after
    assert json.loads(figures.read_text()) == whole
    assert capsys.readouterr().out.splitlines()[:-1] == table


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--methods", "exact,nope"], "no method named 'nope': choose among cos, exact"),
        (["--methods", "auto"], "no method named 'auto': choose among cos, exact"),
        (["--methods", "exact,,qcfs"], "--methods is 'exact,,qcfs': give names with commas between them"),
        (["--methods", "cos:turns=3"], "Cos has no setting 'turns': known are timesteps, warmup, rounds"),
        (["--methods", "cos:rounds"], "'rounds' is not key=value, as in cos:rounds=3"),
        (["--methods", "qcfs:alignment=nearest"], "no alignment named 'nearest'"),
        (["--timesteps", "1,two"], "--timesteps is '1,two': give whole numbers of at least 1"),
        (["--timesteps", "0"], "--timesteps is '0': give whole numbers of at least 1"),
        (["--timesteps", "-2"], "--timesteps is '-2': give whole numbers of at least 1"),
        (["--timesteps", "17", "--methods", "exact"], "exact takes at most 16 timesteps"),
        (["--split", "tset"], "no split named 'tset': choose train, validation or test"),
        (["--images", "0"], "images must be at least 1, got 0"),
        (["--calibration", "0"], "calibration must be at least 1, got 0"),
        (["--energy-table", "free"], "no energy table named 'free'"),
        (["--data", "/nowhere/at/all"], "/nowhere/at/all"),
        (["--device", "cuda"], "runs on the CPU in float64"),
        (["--methods", "slip_relu"], "slip_relu: the source was not trained with it"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    arguments: list[str],
    words: str,
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert words in refused(monkeypatch, capsys, "compare", run, *arguments)
    assert not (run / "compare").exists()


def test_damaged_rows_and_those_of_another_comparison_are_refused(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert spikewright(monkeypatch, "compare", run, *SMALL) == 0
    capsys.readouterr()
    line = refused(monkeypatch, capsys, "compare", run, *SMALL, "--split", "validation")
    assert (
        "holds another comparison (source, data, images, settings or the version differ): choose another --out" in line
    )
    path = run / "compare" / ROWS
    path.write_text(path.read_text()[:-40])
    line = refused(monkeypatch, capsys, "compare", run, *SMALL)
    assert f"{path} is not valid JSON" in line and "it is damaged; delete it to begin again" in line
