"""Exported programs compute, once captured, what the module computed; for every batch, or they are refused."""

import io
from typing import Any

import pytest
import torch
from support.zoo import Net
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export
from torch.nn import functional as F

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.errors import UnsupportedModule

pytestmark = pytest.mark.filterwarnings("ignore")

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(5, 3, 6, 6, generator=GENERATOR)


def _net() -> Net:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4)
    norm.running_mean.uniform_()
    norm.running_var.uniform_(0.5, 2)

    def forward(m: Any, x: Tensor) -> dict[str, Tensor]:
        y = F.relu(m.norm(m.c(x)))
        return {"logits": m.head(y.view(y.size(0), -1)) * m.gain + m.shift[0]}

    net = Net(forward, c=nn.Conv2d(3, 4, 3), norm=norm, head=nn.Linear(64, 3), gain=torch.rand(3))
    net.shift = [torch.rand(3)]
    return net.eval()


def _saved(program: ExportedProgram) -> ExportedProgram:
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    return torch.export.load(file)


PROGRAMS = {
    "one_size": lambda: export(_net(), (X,)),
    "one_size_in_core_operations": lambda: export(_net(), (X,)).run_decompositions(),
    "one_image": lambda: export(_net(), (X[:1],)),
    "one_image_in_core_operations": lambda: export(_net(), (X[:1],)).run_decompositions(),
    "any_size": lambda: export(_net(), (X,), dynamic_shapes=({0: Dim.AUTO},)),
    "any_size_in_core_operations": lambda: export(_net(), (X,), dynamic_shapes=({0: Dim.AUTO},)).run_decompositions(),
    "by_name": lambda: export(_net(), (), {"x": X}),
    "saved": lambda: _saved(export(_net(), (X,))),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_computes_what_its_module_did(name: str) -> None:
    program = PROGRAMS[name]()
    before = {key: value.clone() for key, value in program.state_dict.items()}
    source = capture(program, X[:2])
    expected = _net()(X)["logits"]
    assert torch.allclose(interpreter.run(source, X), expected, atol=1e-5)
    assert all(torch.equal(before[key], value) for key, value in program.state_dict.items())
    assert [node.name for node in source.nodes][:2] == ["c", "norm"]  # the names of the module


def test_a_program_in_training_mode_says_so() -> None:
    with pytest.raises(UnsupportedModule, match=r"norm: a batch norm that stays in training mode.*export programs"):
        capture(export(_net().train(), (X,)), X[:2])


def test_a_program_for_one_size_alone() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        return m.c(x).flatten(1) + torch.arange(x.shape[0] * 64.0).reshape(x.shape[0], 64)

    program = export(Net(forward, c=nn.Conv2d(3, 4, 3)).eval(), (X,))
    with pytest.raises(UnsupportedModule, match=r"for a batch of 5 alone .*export it with dynamic_shapes") as caught:
        capture(program, X[:2])
    assert "\n" not in str(caught.value)


def test_mixing_of_samples_is_not_made_right_by_a_new_size() -> None:
    """[N, 3, 6, 6] → [3, N, …] by a reshape: the batch is not in front, and stays a number."""
    program = export(Net(lambda m, x: m.c(x.view(x.shape[0] * 3, 1, 6, 6)), c=nn.Conv2d(1, 4, 3)).eval(), (X,))
    with pytest.raises(UnsupportedModule):
        capture(program, X[:2])
