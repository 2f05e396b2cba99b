"""Every operation × every pass is a rule or a written refusal, and nobody outside a kind's folder asks what it is."""

import ast
import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import spikewright
from spikewright.ann.kinds import classes
from spikewright.ann.ops import Operation
from spikewright.ann.ops.rules import Refused, Rules
from spikewright.errors import UnsupportedModule

PACKAGE = Path(spikewright.__file__).parent
KINDS = (
    "ann/ops",
    "snn/neurons",
    "snn/schedules",
    "snn/encoders",
    "snn/alignments",
    "snn/formats",
    "conversion/methods",
    "conversion/calibrators",
    "reliability/faults",
)
# Who computes with the leak of one law, or knows the one law that it has gradients for
LAWS = {
    "engines/differentiable.py": 1,
    "reliability/faults/leak.py": 1,
    "reliability/faults/threshold.py": 1,
    "reliability/injectable/spiking_piece.py": 1,
}


def passes() -> dict[str, Rules]:
    """Every table of rules that a module of the package holds, by the module and its name."""
    found: dict[int, tuple[str, Rules]] = {}
    for module in pkgutil.walk_packages(spikewright.__path__, "spikewright."):
        if ".workers." in module.name:
            continue  # needs a cluster's library
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Rules):
                found.setdefault(id(value), (f"{module.name}.{name}", value))
    return dict(found.values())


PASSES = passes()
OPERATIONS = classes("spikewright.ann.ops")


def test_there_are_passes_and_operations() -> None:
    assert {rules.what for rules in PASSES.values()} >= {
        "evaluation of a source",
        "bounding of rounding",
        "staging",
        "folding",
        "lowering to integers",
        "the int8 engine",
        "counting of events",
    }
    assert len(OPERATIONS) >= 18


@pytest.mark.parametrize("name", sorted(PASSES))
@pytest.mark.parametrize("kind", sorted(OPERATIONS))
def test_a_rule_or_a_written_refusal(name: str, kind: str) -> None:
    rule = PASSES[name].table.get(OPERATIONS[kind])
    assert rule is not None, f"{PASSES[name].what} has no rule for {kind}: write one, or why there is none"
    if isinstance(rule, Refused):
        assert len(rule.why) > 10


@pytest.mark.parametrize("name", sorted(PASSES))
def test_what_a_pass_does_not_know_is_refused_by_name(name: str) -> None:
    @dataclass(frozen=True)
    class Unheard(Operation):
        kind: str = "unheard_of"

    with pytest.raises(UnsupportedModule, match=r"cannot take the operation 'unheard_of': no rule is written for it"):
        _ = PASSES[name][Unheard()]


def test_a_family_has_one_file_name_in_every_pass() -> None:
    families = {path.stem for path in (PACKAGE / "ann/ops").glob("[a-z]*.py")}
    folders = [path for path in PACKAGE.rglob("*.py") if "\nRULES" in path.read_text()]
    assert len(folders) >= 30
    assert {path.stem for path in folders} <= families


def _asked(path: Path, known: dict[str, str]) -> list[str]:
    """The classes of other folders' kinds that a file asks values for."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        names: set[str] = set()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            names = {part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)}
        if isinstance(node, ast.MatchClass) and isinstance(node.cls, ast.Name):
            names = {node.cls.id}
        relative = path.relative_to(PACKAGE).as_posix()
        found += [name for name in names if name in known and not relative.startswith(known[name])]
    return found


def test_nobody_outside_a_kinds_folder_asks_what_a_thing_is() -> None:
    """Traits, methods and tables say it; a table's rule may narrow the type that the table gave it."""
    known = {
        node.name: folder
        for folder in KINDS
        for path in (PACKAGE / folder).glob("[a-z]*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    }
    asked = {
        path.relative_to(PACKAGE).as_posix(): names
        for path in PACKAGE.rglob("*.py")
        if "\nRULES" not in path.read_text() and (names := _asked(path, known))
    }
    assert {file: len(names) for file, names in asked.items()} == LAWS, asked


def test_nobody_compares_kinds_by_name() -> None:
    """`kind` names a thing in files and messages; what it can do is a trait."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute) and node.left.attr == "kind":
                owner = ast.unparse(node.left.value)
                assert not owner.endswith((".op", ".law", ".schedule", ".encoder", ".alignment", ".weights")), path
