"""Small changes of the source, each in one place: another comparison, operator or constant, an argument left out."""

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "spikewright"

COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


class Mutant:
    """One change: the file, the place, and the source before and after."""

    def __init__(self, path: Path, node: ast.expr, after: ast.expr) -> None:
        self.path, self.line, self.column = path, node.lineno, node.col_offset
        self.place = str(path.relative_to(SOURCE))
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
        return f"{self.path.relative_to(ROOT)}:{self.line}:{self.column}: {short[0]} → {short[1]}"


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
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Call) and node.keywords and all(word.arg for word in node.keywords):
        yield from () if node.keywords[-1].arg == "help" else (ast.Call(node.func, node.args, node.keywords[:-1]),)


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


def mirrored_by(path: Path) -> list[str]:
    """The tests that mirror a file, or, where it has none of its own, those of the nearest folder that has any."""
    place = path.relative_to(SOURCE)
    own = ROOT / "tests" / place.parent / f"test_{place.stem}.py"
    if own.is_file():
        return [str(own.relative_to(ROOT))]
    for folder in place.parents:
        found = sorted((ROOT / "tests" / folder).glob("test_*.py"))
        if found:
            return [str(each.relative_to(ROOT)) for each in found]
    return []


def lines_of(text: str, line: int) -> range | None:
    """The lines of the statement that a line is part of; None where it runs on import, or is compiled.

    Of a statement with a body, the lines before its body. A statement's later lines need not show when it runs.
    """
    found: ast.stmt | None = None
    inside = False

    def look(node: ast.AST, runs: bool) -> None:
        nonlocal found, inside
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr | ast.stmt) and not child.lineno <= line <= (child.end_lineno or 0):
                continue
            runs_here = runs
            if isinstance(child, ast.stmt):
                found, inside = child, runs
            if isinstance(child, ast.FunctionDef) and child.body[0].lineno <= line:
                runs_here = not any("njit" in ast.unparse(each) for each in child.decorator_list)
            elif isinstance(child, ast.ClassDef):
                runs_here = False
            look(child, runs_here)

    look(_parsed(text), runs=False)
    if found is None or not inside:
        return None
    body = getattr(found, "body", None)
    last = found.end_lineno or found.lineno
    if isinstance(body, list):
        last = max(line, min(last, body[0].lineno - 1))
    return range(found.lineno, last + 1)


@lru_cache(maxsize=4)
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)
