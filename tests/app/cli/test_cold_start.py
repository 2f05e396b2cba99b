"""What a verb imports: a command that captures nothing waits for nothing that only capturing needs."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.trained import run_folder

from spikewright.app.runs import convert
from spikewright.app.runs.convert import ConvertRequest

TRACING = ("sympy", "torch._dynamo", "torch.fx.experimental.symbolic_shapes")
OTHERS = ("sklearn", "pandas", "lightning", "optuna", "plotly", "jinja2", "datasets", "pyarrow", "PIL", "numba", "ray")
PROGRAM = """
import sys
from spikewright.app.cli.main import main
try:
    main()
except SystemExit as left:
    assert not left.code, left.code
print("imported:", *sorted(sys.modules))
"""


@pytest.fixture(scope="module")
def spiking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cold")
    source = run_folder(folder / "source", 7, 7)
    convert.run(ConvertRequest(out=folder / "snn", run=source, settings={"timesteps": 3}))
    return folder


def imported(*arguments: object) -> set[str]:
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].removeprefix("imported: ").split())


@pytest.mark.parametrize("arguments", [["--help"], ["evaluate", "-h"], ["train", "--help"]])
def test_help_does_without_torch(arguments: list[str]) -> None:
    assert imported(*arguments).intersection(("torch", "numpy", *TRACING, *OTHERS)) == set()


def test_a_verb_that_captures_nothing_imports_nothing_of_it(spiking: Path) -> None:
    run = spiking / "snn"
    for verb in (
        ["verify", run, "--images", 10],
        ["evaluate", run, "--images", 10],
        ["inject", run, "--images", 10, "--maps", 2, "--ber", "1e-3"],
        ["convert", spiking / "source", "--timesteps", 2, "--out", spiking / "again"],
    ):
        assert imported(*verb).intersection((*TRACING, *OTHERS)) == set(), verb
