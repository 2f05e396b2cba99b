"""`spikewright inject`: what it prints and writes, and what it refuses."""

import json
from pathlib import Path

import pytest
from support import trained

from . import running


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return trained.run_folder(tmp_path / "run")


def test_a_curve_is_printed_and_written(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("--json", tmp_path / "f.json", "--page", tmp_path / "f.html")
    code = running.spikewright(
        monkeypatch, "inject", run, "--ber", "1e-2,1e-1", "--maps", 3, "--images", 30, "--scope", "layer", *files
    )
    assert code == 0
    made = json.loads((tmp_path / "f.json").read_text())
    assert [each["ber"] for each in made["curve"]] == [0.01, 0.1]
    assert made["weight_bits"] == 8
    assert all(len(each["rows"]) == 3 for each in made["curve"])
    printed = capsys.readouterr().out
    for row in made["curve"][1]["rows"]:
        assert row["stratum"] in printed
        assert f"{row['accuracy_mean']:.2%}" in printed
    assert "<html" in (tmp_path / "f.html").read_text()
    assert len(list((run / "campaigns").iterdir())) == 2


def test_hints_are_told(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert running.spikewright(monkeypatch, "inject", run, "--ber", "0.1", "--maps", 3, "--images", 30, "--harden") == 0
    said = capsys.readouterr().out
    assert "top bit in ECC" in said
    assert "bits whose faults cost most" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--ber", "1.5"), "--ber is 1.5"),
        (("--ber", "abc"), "give rates"),
        (("--ber", "1e-2", "--layer", "nope"), "no layer with weights named 'nope'"),
        (("--ber", "1e-2", "--bit", "9"), "no bit 9"),
        (("--ber", "1e-2", "--scope", "everything"), "no scope 'everything'"),
        (("--fault", "bitflip"), "no fault named 'bitflip'"),
        (("--fault", "stuck_at", "--set", "brr=1"), "no setting 'brr'"),
        (("--ber", "1e-2", "--maps", "0"), "maps must be at least 1"),
        (("--ber", "1e-2", "--bits", "1"), "weight bits"),
        (("--ber", "1e-2", "--backend", "slurm"), "no backend named 'slurm'"),
        (("--ber", "1e-2", "--backend", "dask"), "address"),
        (("--fault", "lost_spikes", "--ber", "0.1"), "spiking neurons"),
        (("--ber", "1e-2", "--split", "tests"), "no split named 'tests'"),
        (("--ber", "1e-2", "--device", "cuda"), "runs on the CPU"),
    ],
)
def test_it_refuses_in_one_line(
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    says: str,
) -> None:
    assert says in running.refused(monkeypatch, capsys, "inject", run, *arguments)
    assert not (run / "campaigns").exists()
