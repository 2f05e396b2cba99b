"""Would the tests notice? Draw small changes of the source, run the tests that mirror their file, and say which pass.

    make mutants                       200 of them, seed 0; goes on where it stopped
    python tests/mutants.py --count 20 --seed 7 --only conversion

A mutant is one change in one place: another comparison, operator or constant, a condition turned round, an argument
left at its default. It runs in a copy of the package. Noticed: the tests of its file, or then the contracts, fail or
take too long. Whoever is not noticed is printed: a test is missing, or nothing is changed by it. Exits
with 1 where fewer than 95 % are noticed.
"""

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "spikewright"
ENOUGH = 0.95
SECONDS = 600
CONTRACTS = ("tests/contracts/test_exactness.py", "tests/contracts/test_injection.py")

COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


class Mutant:
    """One change: the file, the line, and the source before and after."""

    def __init__(self, path: Path, node: ast.expr, after: ast.expr) -> None:
        self.path, self.line = path, node.lineno
        text = path.read_text()
        self.before, self.after = ast.get_source_segment(text, node) or "", ast.unparse(after)
        lines = text.splitlines(keepends=True)
        start = sum(len(line.encode()) for line in lines[: node.lineno - 1]) + node.col_offset
        end = sum(len(line.encode()) for line in lines[: (node.end_lineno or 0) - 1]) + (node.end_col_offset or 0)
        raw = text.encode()
        self.text = (raw[:start] + f"({self.after})".encode() + raw[end:]).decode()

    @property
    def name(self) -> str:
        """Where it is and what it changes, in one line."""
        short = " ".join(self.before.split()), " ".join(self.after.split())
        return f"{self.path.relative_to(ROOT)}:{self.line}: {short[0]} → {short[1]}"


def changes(node: ast.expr) -> Iterator[ast.expr]:
    """What an expression could be instead."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        yield ast.Compare(node.left, [COMPARISONS[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS and not _text(node):
        yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Call) and node.keywords and all(word.arg for word in node.keywords):
        yield ast.Call(node.func, node.args, node.keywords[:-1])


def _text(node: ast.BinOp) -> bool:
    """Texts are joined with +, and types with |: no operation of numbers."""
    return any(
        isinstance(side, ast.JoinedStr) or _is(side, str) or _is(side, type(None)) for side in (node.left, node.right)
    )


def _is(node: ast.expr, kind: type) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, kind)


def candidates(path: Path) -> list[tuple[ast.expr, ast.expr]]:
    """Every change of a file, but for annotations, defaults of types, decorators and messages."""
    found: list[tuple[ast.expr, ast.expr]] = []

    def look(node: ast.AST) -> None:
        if isinstance(node, ast.expr):
            found.extend((node, after) for after in changes(node))
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_params") or isinstance(
                node, ast.Raise | ast.JoinedStr
            ):
                continue
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.AST):
                    look(each)

    look(ast.parse(path.read_text()))
    return found


def draw(count: int, seed: int, only: str) -> list[Mutant]:
    """As many mutants, the same for the same seed and source; files in proportion to what can change in them."""
    places = [
        (path, *pair)
        for path in sorted(SOURCE.rglob("*.py"))
        if only in str(path.relative_to(SOURCE))
        for pair in candidates(path)
    ]
    return [Mutant(*place) for place in Random(seed).sample(places, min(count, len(places)))]


def tests_of(path: Path) -> list[str]:
    """The tests that mirror a file, or, where it has none of its own, those of its folder."""
    place = path.relative_to(SOURCE)
    own = ROOT / "tests" / place.parent / f"test_{place.stem}.py"
    if own.is_file():
        return [str(own.relative_to(ROOT))]
    folder = ROOT / "tests" / place.parent
    return [str(each.relative_to(ROOT)) for each in sorted(folder.glob("test_*.py"))]


def noticed_by(mutant: Mutant) -> str | None:
    """Which tests notice, or None."""
    with tempfile.TemporaryDirectory() as scratch:
        package = Path(scratch) / "spikewright"
        shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__"))
        (package / mutant.path.relative_to(SOURCE)).write_text(mutant.text)
        for tests in (tests_of(mutant.path), list(CONTRACTS)):
            if tests and _fails(tests, scratch):
                return tests[0]
    return None


def _fails(tests: list[str], package: str) -> bool:
    environment = {**os.environ, "PYTHONPATH": package, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode not in (0, 5)  # 5: no tests were there


def main() -> int:
    """Run, print, and say whether enough are noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="files whose path holds this")
    parser.add_argument("--record", type=Path, default=ROOT / ".mutants.jsonl", help="what is known already")
    asked = parser.parse_args()
    lines = asked.record.read_text().splitlines() if asked.record.is_file() else []
    known: dict[str, Any] = dict(json.loads(line) for line in lines)
    mutants = draw(asked.count, asked.seed, asked.only)
    for index, mutant in enumerate(mutants):
        if mutant.name not in known:
            known[mutant.name] = noticed_by(mutant)
            with asked.record.open("a") as record:
                record.write(json.dumps([mutant.name, known[mutant.name]]) + "\n")
        print(
            f"{index + 1}/{len(mutants)} {'noticed' if known[mutant.name] else 'NOT NOTICED'} {mutant.name}", flush=True
        )
    share = sum(known[mutant.name] is not None for mutant in mutants) / max(len(mutants), 1)
    print(f"{share:.1%} of {len(mutants)} mutants are noticed")
    return 0 if share >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
