"""A user's own factory, and one line for everything that can be wrong with it."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from spikewright.errors import BadModel
from spikewright.models import load_factory

SOURCE = """
import torch
from torch import nn
import {name}_part as part

made = nn.Linear(2, 2)
number = 3

def good():
    return nn.Linear(3, part.OUTPUTS)

def late():
    import {name}_late
    return {name}_late.net

def needs(width):
    return nn.Linear(width, 1)

def fails():
    raise RuntimeError("no\\nweights")

def fails_inside_torch():
    return nn.Linear(3, 2)(torch.zeros(1, 9))

def wrong():
    return [1]

class Net(nn.Module):
    pass
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Write a module into the current directory; its name is new for each test, as Python keeps modules."""
    name = f"user_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(SOURCE.format(name=name))
    (tmp_path / f"{name}_part.py").write_text("OUTPUTS = 5\n")
    (tmp_path / f"{name}_late.py").write_text("from torch import nn\nnet = nn.ReLU()\n")
    monkeypatch.chdir(tmp_path)
    return name


def test_a_factory_of_the_current_directory(module: str) -> None:
    path, state = list(sys.path), torch.get_rng_state()
    model = load_factory(f"{module}:good")
    assert isinstance(model, nn.Linear)
    assert (model.in_features, model.out_features) == (3, 5)
    assert sys.path == path
    assert torch.equal(torch.get_rng_state(), state)


def test_weights_follow_the_seed(module: str) -> None:
    def weight(seed: int) -> torch.Tensor:
        return load_factory(f"{module}:good", seed=seed).get_parameter("weight")

    assert torch.equal(weight(1), weight(1))
    assert not torch.equal(weight(1), weight(2))


def test_classes_instances_and_late_imports(module: str) -> None:
    assert type(load_factory(f"{module}:Net")).__name__ == "Net"
    assert isinstance(load_factory(f"{module}:made"), nn.Linear)
    assert isinstance(load_factory(f"{module}:late"), nn.ReLU)


@pytest.mark.parametrize("spec", ["resnet", "a.b", ":f", "m:", "", ".m:f"])
def test_without_module_and_colon(spec: str) -> None:
    with pytest.raises(BadModel, match=r"is neither a known name nor of the form package\.module:factory"):
        load_factory(spec)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("absent", "has no 'absent': check the part after the colon"),
        ("needs", r"must take no arguments \(missing a required argument: 'width'\): wrap it"),
        ("number", "a int cannot be called: name a function or class"),
        ("fails", r"the factory failed with RuntimeError: no weights \(user_\d+.py, line 20\)"),
        ("fails_inside_torch", r"failed with RuntimeError: mat1 and mat2 .* \(user_\d+.py, line 23\)"),
        ("wrong", "the factory returned a list: it must return a torch.nn.Module"),
    ],
)
def test_what_the_module_holds_is_no_factory(module: str, attribute: str, message: str) -> None:
    with pytest.raises(BadModel, match=message) as caught:
        load_factory(f"{module}:{attribute}")
    assert str(caught.value).startswith(f"model '{module}:{attribute}': ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "import no_such_dependency",
            "importing '{0}' failed with ModuleNotFoundError: No module named 'no_such_dep",
        ),
        ("def f(:\n", r"importing '{0}' failed with SyntaxError: .*{0}.py, line 1"),
        (
            "x = 1\n1 / 0\n",
            r"importing '{0}' failed with ZeroDivisionError: division by zero \({0}.py, line 2\)",
        ),
    ],
)
def test_a_module_that_cannot_be_imported(module: str, content: str, message: str) -> None:
    Path(f"{module}.py").write_text(content)
    with pytest.raises(BadModel, match=message.format(module)) as caught:
        load_factory(f"{module}:f")
    assert "\n" not in str(caught.value)


def test_a_module_that_is_not_there() -> None:
    with pytest.raises(BadModel, match="no module named 'no_such_package': start in the folder that holds it"):
        load_factory("no_such_package.part:f")
