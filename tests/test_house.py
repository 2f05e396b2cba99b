"""The house's measures: how long a file and a function may be, and which wings there are, each with its sentence."""

import ast
import re
from pathlib import Path

import spikewright

ROOT = Path(spikewright.__file__).parent
MOST_LINES_OF_A_FILE = 350
MOST_LINES_OF_A_FUNCTION = 40
LEAST_CHARACTERS_OF_A_SENTENCE = 20
WINGS = {
    "app",
    "exploration",
    "training",
    "reliability",
    "conversion",
    "measure",
    "interchange",
    "engines",
    "snn",
    "ann",
    "data",
    "models",
}
FILES = {"__init__.py", "errors.py", "py.typed"}


def sources() -> list[Path]:
    found = sorted(ROOT.rglob("*.py"))
    assert len(found) > 100, f"only {len(found)} files below {ROOT}"
    return found


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST, inside: str = "") -> list[tuple[str, int]]:
    """Every function by its dotted name and its lines, from `def` to the last; one in another counts in both."""
    found = []
    for node in ast.iter_child_nodes(tree):
        here = inside
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            here = f"{inside}.{node.name}".lstrip(".")
            if not isinstance(node, ast.ClassDef):
                assert node.end_lineno is not None
                found.append((here, node.end_lineno - node.lineno + 1))
        found += functions(node, here)
    return found


def test_no_file_is_too_long() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in sources()}
    long = [f"{file}: {length}" for file, length in lengths.items() if length > MOST_LINES_OF_A_FILE]
    assert not long, f"files of more than {MOST_LINES_OF_A_FILE} lines, to be split by idea: {', '.join(long)}"


def test_no_function_is_too_long() -> None:
    # a verb of the command line has its options as parameters
    files = [path for path in sources() if not path.is_relative_to(ROOT / "app" / "cli")]
    long = [
        f"{name(path)}: {function}: {length}"
        for path in files
        for function, length in functions(ast.parse(path.read_text()))
        if length > MOST_LINES_OF_A_FUNCTION
    ]
    assert not long, f"functions of more than {MOST_LINES_OF_A_FUNCTION} lines: {', '.join(long)}"


def test_every_folder_says_what_it_is_for() -> None:
    silent = []
    for folder in sorted({path.parent for path in sources()}):
        file = folder / "__init__.py"
        sentence = ast.get_docstring(ast.parse(file.read_text())) if file.is_file() else None
        if len(sentence or "") < LEAST_CHARACTERS_OF_A_SENTENCE:
            silent.append(f"{name(file)}: {sentence!r}")
    assert not silent, f"folders without a sentence of {LEAST_CHARACTERS_OF_A_SENTENCE} characters: {', '.join(silent)}"


def test_the_wings_are_these() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__"}
    files = {path.name for path in ROOT.iterdir() if path.is_file()}
    assert folders == WINGS, f"wings that are not agreed or not there: {sorted(folders ^ WINGS)}"
    assert files == FILES, f"files that are not agreed or not there: {sorted(files ^ FILES)}"


def test_files_that_docstrings_and_docs_name_are_there() -> None:
    """A path in backticks is one from the package, the repository, or the folder that the text stands in."""
    docs = [path for path in ROOT.parents[1].glob("docs/*.md") if path.parent.is_dir()]
    missing = []
    for path in [*sources(), *docs]:
        for said in re.findall(r"`([\w/]+\.py)`", path.read_text(encoding="utf-8")):
            homes = (ROOT, ROOT.parents[1], path.parent, path.parent.parent)
            # what a reader is told to write has no file yet; docs may go on in the folder that they spoke of
            known = "foo" in said or any((home / said).exists() for home in homes)
            if not known and not (path in docs and "/" not in said and list(ROOT.rglob(said))):
                missing.append(f"{path.name}: {said}")
    assert not missing, missing


def test_runs_that_docs_name_are_made_by_a_command_beside_them() -> None:
    """By `--out`, or by an example that the same page has its reader run."""
    root = ROOT.parents[1]
    missing = []
    for page in (root / "README.md", *sorted(root.glob("docs/*.md"))):
        text = page.read_text()
        examples = [root / name for name in re.findall(r"python (examples/\w+\.py)", text)]
        makers = "\n".join([*re.findall(r"--out runs/[\w-]+", text), *(file.read_text() for file in examples)])
        named = set(re.findall(r"(?<![\w/])runs/[\w-]+", text))
        missing += [f"{page.name}: {run}" for run in sorted(named) if not re.search(rf"{run}(?![\w-])", makers)]
    assert not missing
