"""The script that draws mutants: the same for a seed, each one change that is Python, and found by tests that fail."""

import ast
import difflib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import mutants
import pytest
from support.changes import ROOT, SOURCE, Mutant, candidates, changes, draw, lines_of, mirrored_by
from support.line_map import LineMap
from support.warm import Chosen, in_child


def test_the_same_seed_draws_the_same_and_each_is_one_change() -> None:
    drawn = draw(60, 3, "")
    assert [each.name for each in drawn] == [each.name for each in draw(60, 3, "")]
    assert len({each.path for each in drawn}) > 30, "all over the package"
    for each in drawn:
        before, after = each.path.read_text(), each.text
        assert ast.dump(ast.parse(before)) != ast.dump(ast.parse(after)), each.name
        parts = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False).get_opcodes()
        assert sum(kind != "equal" for kind, *_ in parts) == 1, each.name


def test_what_an_expression_could_be_instead() -> None:
    def instead(text: str) -> list[str]:
        expression = ast.parse(text, mode="eval").body
        return [ast.unparse(each) for each in changes(expression)]

    assert instead("a < b") == ["a <= b"] and instead("a + 1") == ["a - 1"] and instead("not a") == ["a"]
    assert instead("a and b") == ["a or b"] and instead("True") == ["False"] and instead("3") == ["4"]
    assert instead("f(a, b=1, c=2)") == ["f(a, b=1)"] and instead("b if a else c") == ["b if not a else c"]
    assert instead("'x' + name") == [] and instead("'x'") == [] and instead("Option('-x', help='x')") == []


def test_tests_of_a_file_are_those_that_mirror_it() -> None:
    assert mirrored_by(SOURCE / "snn" / "code.py") == ["tests/snn/test_code.py"]
    assert "tests/models/test_weights.py" in mirrored_by(SOURCE / "models" / "no_test_of_its_own.py")
    deeper = mirrored_by(SOURCE / "models" / "no_tests_here" / "nor_here" / "x.py")
    assert deeper == mirrored_by(SOURCE / "models" / "no_test_of_its_own.py"), "of the nearest folder that has any"


TEXT = textwrap.dedent("""\
    LEAST = 3                                    # 1

    class Thing:
        most: int = 4                            # 4

        def size(self, room=5):                  # 6
            if (self.most                        # 7
                    > room):                     # 8
                return max(                      # 9
                    room,
                    1,                           # 11
                )
            return [                             # 13
                each for each in range(2)        # 14
            ]

    @njit(cache=True)
    def compiled(x):
        return x + 1                             # 19
    """)


@pytest.mark.parametrize(
    ("line", "lines"),
    [(1, None), (4, None), (6, None), (7, [7, 8]), (8, [7, 8]), (11, [9, 10, 11, 12]), (14, [13, 14, 15]), (19, None)],
)
def test_a_statement_has_run_where_any_of_its_lines_has(line: int, lines: list[int] | None) -> None:
    found = lines_of(TEXT, line)
    assert (None if found is None else list(found)) == lines


class At(Mutant):
    """A mutant of a text that is in no package."""

    def __init__(self, path: Path, line: int) -> None:
        self.path, self.line, self.place = path, line, "thing.py"


def test_tests_that_run_the_line_quickest_first(tmp_path: Path) -> None:
    path = tmp_path / "thing.py"
    path.write_text(TEXT)
    known = LineMap(
        tests=["slow", "quick", "broken", "elsewhere", "at once", "beside"],
        seconds=[2.0, 1.0, 0.5, 0.1, 0.001, 0.2],
        failing=["broken"],
        lines={"thing.py": {9: 0b0101, 11: 0b0010, 13: 0b1000}, "other.py": {9: 0b111111}},
    )
    assert known.that_run(At(path, 11)) == ["quick", "slow"], "who fails without a change can't notice one"
    assert known.that_run(At(path, 14)) == ["elsewhere"] and known.that_run(At(path, 7)) == []
    assert known.that_run(At(path, 1)) == ["at once", "elsewhere", "quick", "slow"], "on import: of use to any of them"
    assert known.seconds_of(["slow", "elsewhere", "unknown"]) == 2.1


def test_chosen_tests_run_in_their_order() -> None:
    class Item:
        def __init__(self, nodeid: str) -> None:
            self.nodeid = nodeid

    items = [Item(name) for name in ("a", "b", "c", "d")]
    Chosen(["d", "b", "gone"], Path("unused")).pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == ["d", "b"]


def test_a_child_that_loops_or_waits_is_ended_and_one_that_crashes_is_seen(tmp_path: Path) -> None:
    def loop() -> int:
        while True:
            pass

    def wait() -> int:
        time.sleep(60)
        return 0

    def crash() -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    log = tmp_path / "log"
    assert in_child(lambda: 3, log, processor=60, clock=60) == 3
    assert in_child(loop, log, processor=0, clock=60) is None
    assert in_child(wait, log, processor=60, clock=0.2) is None
    assert in_child(crash, log, processor=60, clock=60) == -signal.SIGKILL
    assert in_child(lambda: int("no number"), log, processor=60, clock=60) == 99 and "no number" in log.read_text()


def test_who_was_noticed_stays_so_and_others_are_tried_again_when_tests_change(tmp_path: Path) -> None:
    one, other = draw(2, 0, "snn/code")
    seen = mutants.Seen(tmp_path / "seen.jsonl")
    seen.add(mutants.Verdict(one.name, "a test", 3, 1.0, "old"))
    seen.add(mutants.Verdict(other.name, "", 3, 1.0, "old"))
    again = mutants.Seen(tmp_path / "seen.jsonl")
    noticed, missed = again.get(one, "new"), again.get(other, "old")
    assert noticed is not None and noticed.by == "a test" and missed is not None and not missed.noticed
    assert again.get(other, "new") is None and again.get(draw(3, 0, "snn/code")[2], "old") is None


def test_a_test_that_fails_without_a_change_by_itself_too_has_noticed_nothing() -> None:
    class Known(mutants.Judge):
        def __init__(self) -> None:
            self.asked: list[list[str]] = []

        def _failing(self, names: list[str]) -> list[str]:
            self.asked.append(names)
            return [name for name in names if name == "broken" or (name == "after others" and len(names) > 1)]

    judge = Known()
    assert judge.failing_anyway(["fine", "broken", "after others"]) == {"broken"}
    assert judge.asked == [["fine", "broken", "after others"], ["broken"], ["after others"]]


def test_equivalent_mutants_count_neither_way_and_what_was_said_stays() -> None:
    verdicts = [mutants.Verdict(str(index), "a test" if index < 18 else "", 1, 1.0, "") for index in range(20)]
    before = {"not_noticed": [{"mutant": "18", "became": "equivalent: x is never 0"}, {"mutant": "19", "became": ""}]}
    found = mutants.result(verdicts, before, seed=4)
    assert (found["drawn"], found["noticed"], found["equivalent"]) == (20, 18, 1)
    assert found["share_noticed"] == round(18 / 19, 4) and found["seed"] == 4
    assert [(each["mutant"], each["became"]) for each in found["not_noticed"]] == [
        ("18", "equivalent: x is never 0"),
        ("19", ""),
    ]


SCRIPT = """
import ast, json, sys
from pathlib import Path
sys.path.insert(0, "tests")
import mutants
from support.changes import SOURCE, Mutant, candidates
from support.line_map import Maps
from support.warm import Copy, import_others

folder = Path(sys.argv[1])
import_others(("torch", "pytest"))
copy = Copy(folder / "copy", "a-test-of-mutants")
judge = mutants.Judge(Maps(folder / "maps", copy, lambda line: None), copy, contracts=())
path = SOURCE / "snn" / "code.py"
node, after = next(pair for pair in candidates(path) if isinstance(pair[0], ast.BinOp))
changed, same, again = Mutant(path, node, after), Mutant(path, node, node), Mutant(path, node, after)
print(json.dumps([judge.verdict(each, "").by for each in (changed, same, again)]))
"""


@pytest.mark.slow
def test_a_change_is_noticed_and_what_changes_nothing_is_not(tmp_path: Path) -> None:
    """So a child runs the changed source, and the next one does not run what the last one was given."""
    path = SOURCE / "snn" / "code.py"
    assert any(isinstance(node, ast.BinOp) for node, _ in candidates(path))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    changed, same, again = json.loads(done.stdout.splitlines()[-1])
    assert changed.startswith("tests/snn/test_code.py::") and same == "" and again == changed
