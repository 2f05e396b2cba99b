"""The walk in plain Python runs as it stands, and needs nothing but `sw`."""

import ast
import runpy
from pathlib import Path

import pytest

WALK = Path(__file__).parents[1] / "examples" / "walk.py"


def test_the_walk_runs_from_one_import(capsys: pytest.CaptureFixture[str]) -> None:
    tree = ast.parse(WALK.read_text())
    assert not [
        node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and "spikewright" in str(node.module)
    ]
    runpy.run_path(str(WALK))["main"]()
    said = capsys.readouterr().out
    assert "SpikingNetwork(" in said
    assert "EQUAL, proven: 0 mismatches" in said
