"""`spikewright inject`: what it prints and writes, and what it refuses."""

import hashlib
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
    assert "worst map (#): the same command with --replay" in " ".join(printed.split())
    assert "<html" in (tmp_path / "f.html").read_text()
    assert len(list((run / "campaigns").iterdir())) == 2


def test_one_map_is_the_worst_without_a_word(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert running.spikewright(monkeypatch, "inject", run, "--ber", "0.1", "--maps", 1, "--images", 30) == 0
    assert "worst map (#)" not in capsys.readouterr().out


def test_hints_are_told(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert running.spikewright(monkeypatch, "inject", run, "--ber", "0.1", "--maps", 3, "--images", 30, "--harden") == 0
    said = capsys.readouterr().out
    assert "top bit in ECC" in said
    assert "bits whose faults cost most" in said


@pytest.mark.parametrize(
    ("asked", "more", "verdict", "code"),
    [
        (("--require", "accuracy=0.05"), (), "PASS", 0),
        (("--require", "accuracy=0.99"), (), "FAIL", 1),
        (("--require", "accuracy=0.99"), ("--allow-undecided",), "FAIL", 1),
        (("--max-loss", "0.5"), ("--maps", 4), "UNDECIDED", 1),
        (("--max-loss", "0.5"), ("--maps", 4, "--allow-undecided"), "UNDECIDED", 0),
        (("--against", "RUN", "--margin", "40"), (), "PASS", 0),
        (("--against", "RUN"), ("--maps", 4), "UNDECIDED", 1),
    ],
)
def test_the_exit_code_is_the_verdict(
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: tuple[str, ...],
    more: tuple[object, ...],
    verdict: str,
    code: int,
) -> None:
    given = [str(run) if each == "RUN" else each for each in asked]
    fixed = ("--ber", "0.1", "--maps", 100, "--images", 30, "--way", "strict", "--json", tmp_path / "f.json")
    assert running.spikewright(monkeypatch, "inject", run, *fixed, *given, *more) == code
    made = json.loads((tmp_path / "f.json").read_text())
    assert made["verdict"] == verdict
    if "--against" in asked:
        against = made["against"]
        assert (against["name"], against["way"], against["verdict"]) == ("run", "strict", verdict)
        assert against["margin"] == (0.4 if "--margin" in asked else 0.0)


def test_the_file_says_where_it_comes_from(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    files = ("--json", tmp_path / "f.json", "--page", tmp_path / "f.html")
    given = ("--fault", "stuck_at", "--ber", "0.1", "--set", "at=1", "--maps", 2, "--images", 30)
    assert running.spikewright(monkeypatch, "inject", run, *given, *files) == 0
    made, page = json.loads((tmp_path / "f.json").read_text()), (tmp_path / "f.html").read_text()
    assert made["provenance"]["date"] == "1970-01-02T00:00:00Z"
    assert made["provenance"]["command"].startswith(f"spikewright inject {run} --fault stuck_at --ber 0.1 --set at=1")
    for name in ("source.json", "source.safetensors"):
        wanted = hashlib.sha256((run / name).read_bytes()).hexdigest()
        assert made["sha256"][name] == wanted
        assert wanted in page
    assert "1970-01-02T00:00:00Z" in page
    assert "stuck at (at 1)" in page.split("<h1>")[1].split("</h1>")[0]
    assert made["weights_stored"] == "8 bits, two's complement, one scale a tensor"
    assert any(line.startswith("fewer than 500 images") for line in made["warnings"])


def test_the_worst_map_runs_again(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("inject", run, "--ber", "0.01", "--maps", 5, "--images", 30, "--json", tmp_path / "f.json")
    assert running.spikewright(monkeypatch, *given) == 0
    made = json.loads((tmp_path / "f.json").read_text())
    worst = made["accuracy_worst_map"]
    assert made["rows"][0]["accuracies"][worst] == made["accuracy_worst"] == min(made["rows"][0]["accuracies"])
    before = sorted((run / "campaigns").iterdir())
    assert running.spikewright(monkeypatch, *given, "--replay", worst) == 0
    again = json.loads((tmp_path / "f.json").read_text())
    assert (again["accuracy"], again["map"], again["campaign"]) == (made["accuracy_worst"], worst, made["campaign"])
    assert again["flips"][0].keys() == {"layer", "tensor", "index", "bit", "before", "after"}
    assert again["flips"][0]["layer"] in capsys.readouterr().out
    assert sorted((run / "campaigns").iterdir()) == before


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
        (("--page", "x.pdf"), "page 'x.pdf': it is written as HTML: give a name ending in .html or .htm"),
        (("--page", ""), "--page is empty: give it a value"),
        (("--json", "."), ". cannot be written: it is a folder"),
        (("--require", "accuracy"), "give one of accuracy=SHARE"),
        (("--require", "accuracy=abc"), "give a share from 0 to 1"),
        (("--require", "accuracy=90"), "a required accuracy of 90 cannot be"),
        (("--require", "speed=1"), "give one of accuracy=SHARE"),
        (("--max-loss", "nan"), "--max-loss is nan: give a finite number"),
        (("--margin", "nan"), "--margin is nan"),
        (("--precision", "nan"), "--precision is nan"),
        (("--maps", "9" * 30), "--maps is a number of 30 digits"),
        (("--cap", "9" * 30), "--cap is a number of 30 digits"),
        (("--workers", "99999"), "--workers is 99999"),
        (("--replay", "x"), "--replay is 'x'"),
        (("--replay", "1", "--page", "x.html"), "--replay does not go with --page"),
        (("--replay", "1", "--max-loss", "1"), "leave out --against, --require"),
        (("--fault", "dead_neuron", "--set", "count=100000"), "neurons here"),
        (("--fault", "bit_flip", "--set", "count=99999999"), "bits here"),
        (("--layer", "stage"), "no layer with weights named"),
        (("--backend", "dask", "--address", "nonsense://x"), "dask at nonsense://x"),
        (("--backend", "ray", "--address", "127.0.0.1:1"), "ray at 127.0.0.1:1"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_leaves_nothing(
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    says: str,
) -> None:
    if "--address" in arguments:
        pytest.importorskip({"dask": "distributed", "ray": "ray"}[arguments[1]])
    monkeypatch.chdir(run.parent)
    rate = () if {"--fault", "--ber"} & set(arguments) else ("--ber", "1e-2")
    assert says in running.refused(monkeypatch, capsys, "inject", run, *rate, *arguments)
    assert [path.name for path in run.parent.iterdir()] == ["run"]
    assert sorted(path.name for path in run.iterdir()) == ["source.json", "source.safetensors"]
