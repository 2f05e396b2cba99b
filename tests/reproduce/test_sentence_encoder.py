"""The script of the sentence encoder: which sentences a file holds, and what its committed result says."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from support.scripts import FOLDER, loaded


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    with loaded("sentence_encoder") as module:
        yield module


def test_sentences_of_both_layouts_each_once(script: ModuleType, tmp_path: Path) -> None:
    table, lines = tmp_path / "pairs.csv", tmp_path / "lines.txt"
    table.write_text("a\tb\tc\td\t5.0\tA dog.\tA cat.\nx\ty\tz\tw\t1.0\tA cat.\tA cow.\textra\n")
    lines.write_text("A dog.\nA cat.\nA dog.\n")
    assert script.sentences(table) == ["A dog.", "A cat.", "A cow."]
    assert script.sentences(lines) == ["A dog.", "A cat."]


def test_the_result_is_of_all_timesteps_and_no_code_differs(script: ModuleType) -> None:
    made = json.loads((FOLDER / "sentence_encoder.json").read_text())
    assert {row["timesteps"] for row in made["rows"]} == set(script.TIMESTEPS)
    assert all(row["mismatched_codes"] == 0 and row["codes"] >= 10**6 for row in made["rows"])
