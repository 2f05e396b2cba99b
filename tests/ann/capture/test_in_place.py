"""Graphs with in-place operations: read off where that is plain, left to torch where not, and right either way."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann import interpreter
from spikewright.ann.capture import tracing
from spikewright.ann.capture.capture import capture
from spikewright.ann.capture.in_place import write_functionally


class _Net(nn.Module):
    def __init__(self, compute: Callable[["_Net", Tensor], Tensor]) -> None:
        super().__init__()
        self.compute = compute
        self.a, self.b, self.head = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 3)
        self.norm, self.relu = nn.BatchNorm2d(4), nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.compute(self, x).mean((2, 3)))


def _residual(net: _Net, x: Tensor) -> Tensor:
    y = net.relu(net.norm(net.a(x)))
    z = net.norm(net.b(y))
    z += y
    return net.relu(z)


def _read_afterwards(net: _Net, x: Tensor) -> Tensor:
    y = net.a(x)
    F.relu_(y)
    return net.b(y) + y  # both are of what was overwritten


def _added_to_itself(net: _Net, x: Tensor) -> Tensor:
    y = net.a(x)
    y += y
    return y.relu()


def _read_before(net: _Net, x: Tensor) -> Tensor:
    y = net.a(x)
    z = net.b(y)
    return F.relu_(y) + z


def _through_a_view(net: _Net, x: Tensor) -> Tensor:
    y = net.a(x)
    flat = y.view(-1, 4, 64)
    F.relu_(flat)
    return net.b(y)


def _input_overwritten(net: _Net, x: Tensor) -> Tensor:
    return net.a(x.mul_(2.0)) + net.a(x)


PLAIN = [_residual, _read_afterwards, _added_to_itself]
OTHERS = [_read_before, _through_a_view, _input_overwritten]


def _answers(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    found: list[bool] = []

    def noted(program: torch.export.ExportedProgram) -> bool:
        found.append(write_functionally(program))
        return found[-1]

    monkeypatch.setattr(tracing, "write_functionally", noted)
    return found


@pytest.mark.parametrize("compute", PLAIN + OTHERS)
def test_what_is_captured_is_what_the_module_computes(
    compute: Callable[[_Net, Tensor], Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    model, x = _Net(compute).eval(), torch.randn(5, 2, 8, 8)
    answers = _answers(monkeypatch)
    source = capture(model, x)
    assert answers == [compute in PLAIN]
    torch.testing.assert_close(interpreter.run(source, x), model(x.clone()))


@pytest.mark.parametrize("compute", PLAIN)
def test_the_same_graph_as_torch_makes_of_it(
    compute: Callable[[_Net, Tensor], Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    model, x = _Net(compute).eval(), torch.randn(5, 2, 8, 8)
    quick = capture(model, x)
    monkeypatch.setattr(tracing, "write_functionally", lambda program: False)
    assert capture(model, x).nodes == quick.nodes


def test_nothing_is_changed_where_it_takes_torch() -> None:
    model, x = _Net(_read_before).eval(), torch.randn(5, 2, 8, 8)
    program = torch.export.export(model, (x,))
    before = str(program.graph)
    assert not write_functionally(program)
    assert str(program.graph) == before


def test_what_only_torch_makes_plain_is_captured_too() -> None:
    """`expand_as` is no operation of ours; torch's decomposition of it is."""
    layer = nn.Conv2d(2, 4, 3, padding=1)
    bias = nn.Parameter(torch.randn(4, 1, 1))

    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.bias = layer, bias

        def forward(self, x: Tensor) -> Tensor:
            y = self.layer(x)
            return (y + self.bias.expand_as(y)).relu()

    x = torch.randn(3, 2, 6, 6)
    torch.testing.assert_close(interpreter.run(capture(Wide(), x), x), Wide()(x))
