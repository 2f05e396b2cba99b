"""The script that draws mutants: the same for a seed, each one change that is Python, and found by tests that fail."""

import ast
import difflib
from pathlib import Path

import mutants
import pytest


def test_the_same_seed_draws_the_same_and_each_is_one_change() -> None:
    drawn = mutants.draw(60, 3, "")
    assert [each.name for each in drawn] == [each.name for each in mutants.draw(60, 3, "")]
    assert len({each.path for each in drawn}) > 30, "all over the package"
    for each in drawn:
        before, after = each.path.read_text(), each.text
        assert ast.dump(ast.parse(before)) != ast.dump(ast.parse(after)), each.name
        parts = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False).get_opcodes()
        assert sum(kind != "equal" for kind, *_ in parts) == 1, each.name


def test_what_an_expression_could_be_instead() -> None:
    def instead(text: str) -> list[str]:
        expression = ast.parse(text, mode="eval").body
        return [ast.unparse(each) for each in mutants.changes(expression)]

    assert instead("a < b") == ["a <= b"] and instead("a + 1") == ["a - 1"] and instead("not a") == ["a"]
    assert instead("a and b") == ["a or b"] and instead("True") == ["False"] and instead("3") == ["4"]
    assert instead("f(a, b=1, c=2)") == ["f(a, b=1)"] and instead("b if a else c") == ["b if not a else c"]
    assert instead("'x' + name") == [] and instead("'x'") == []


def test_tests_of_a_file_are_those_that_mirror_it() -> None:
    assert mutants.tests_of(mutants.SOURCE / "snn" / "code.py") == ["tests/snn/test_code.py"]
    assert "tests/models/test_weights.py" in mutants.tests_of(mutants.SOURCE / "models" / "no_test_of_its_own.py")


@pytest.mark.slow
def test_a_mutant_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants, "CONTRACTS", ())
    path: Path = mutants.SOURCE / "snn" / "code.py"
    node, after = next(pair for pair in mutants.candidates(path) if isinstance(pair[0], ast.BinOp))
    assert mutants.noticed_by(mutants.Mutant(path, node, after)) == "tests/snn/test_code.py"
