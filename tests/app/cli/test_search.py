"""`search` on the command line: tables, exit codes, and one line for whatever is wrong."""

import json
from pathlib import Path

import pytest
from support.trained import run_folder

from app.cli.running import refused, spikewright

CONFIG = """
kind = "convert"
out = "{out}"

[network]
run = "{run}"

[space]
methods = ["exact", "qcfs"]
timesteps = [1, 4]

[gates]
accuracy_margin = 3
reliability_margin = 10

[faults]
ber = [0.01]
cap = 128
images = 30
"""


def config(tmp_path: Path, *changes: tuple[str, str], more: str = "") -> Path:
    run = tmp_path / "ann"
    if not run.exists():
        run_folder(run)
    text = CONFIG.format(out=tmp_path / "out", run=run) + more
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = tmp_path / "search.toml"
    path.write_text(text)
    return path


def test_a_search_shows_every_candidate_and_the_chosen_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path)
    assert spikewright(monkeypatch, "search", "--config", path, "--json", tmp_path / "r.json") == 0
    said = capsys.readouterr().out
    stored = json.loads((tmp_path / "r.json").read_text())
    assert stored == json.loads((tmp_path / "out" / "search.json").read_text())
    for one in stored["candidates"]:
        line = next(line for line in said.splitlines() if line.startswith(f"{one['name']} "))
        assert one["verdict"] in line
        assert f"{one['accuracy']:.2%}" in line
        if one["reliability"] is not None:
            worst = one["reliability"]["rates"][0]
            assert f"{100 * worst['difference']:+.2f} ({100 * worst['difference_low']:+.2f} … " in line
            assert f"{one['reliability_mean']:.2%}" in line
    assert stored["line"] in said
    assert f"{stored['chosen']} on the test split: accuracy {stored['test']['accuracy']:.2%}" in said
    assert "search.json" in said
    # the same command again says the same, at once
    assert spikewright(monkeypatch, "search", "--config", path) == 0
    assert capsys.readouterr().out == said


def test_options_go_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config(tmp_path)
    assert spikewright(monkeypatch, "search", "--config", path, "--out", tmp_path / "other", "--seed", 4) == 0
    assert not (tmp_path / "out").exists()
    stored = json.loads((tmp_path / "other" / "search.json").read_text())
    assert stored["settings"]["seed"] == stored["seeds"]["fault_maps"] == 4


def test_none_that_passes_ends_with_1_and_the_result_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, ("timesteps = [1, 4]", "timesteps = [1]"), ('methods = ["exact", ', "methods = ["))
    assert spikewright(monkeypatch, "search", "--config", path, "--json", tmp_path / "r.json") == 1
    said = capsys.readouterr()
    assert "qcfs_t1_b8" in said.out
    lines = said.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("spikewright: search: none of 1 passes (1 stopped by accuracy): widen the lists")
    assert json.loads((tmp_path / "r.json").read_text())["chosen"] is None


def test_a_sampled_search_shows_its_front(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, more='[optuna]\ntrials = 4\nobjectives = ["accuracy", "energy"]\n')
    assert spikewright(monkeypatch, "search", "--config", path) == 0
    said = capsys.readouterr().out
    assert "front, with fresh fault maps" in said
    assert "confirmed with fresh fault maps; least energy" in said


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            "accuracy_margin",
            "acuracy_margin",
            "[gates]: there is no key 'acuracy_margin': did you mean 'accuracy_margin'?",
        ),
        ("ber = [0.01]", "ber = [1.01]", "[faults] ber has 1.01: a rate is a probability, give 0 to 1"),
        ("ber = [0.01]", "ber = []", "[faults] ber is empty"),
        ("timesteps = [1, 4]", "timesteps = []", "[space] timesteps is empty"),
        ('"qcfs"', '"qcsf"', "no method named 'qcsf'"),
        ("/ann", "/gone", "no run folder at"),
        ("kind", "knid", "there is no key 'knid': did you mean 'kind'?"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    before: str, after: str, words: str,
) -> None:  # fmt: skip
    path = config(tmp_path, (before, after))
    assert words in refused(monkeypatch, capsys, "search", "--config", path)
    assert not (tmp_path / "out").exists()


def test_a_missing_file_and_unknown_data_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no search configuration at" in refused(monkeypatch, capsys, "search", "--config", tmp_path / "no.toml")
    path = config(tmp_path, ("[space]", 'data = "no_such_data"\n[space]'))
    assert "no_such_data" in refused(monkeypatch, capsys, "search", "--config", path)
    assert not (tmp_path / "out").exists()
